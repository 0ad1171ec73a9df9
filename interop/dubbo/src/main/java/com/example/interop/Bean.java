package com.example.interop;

import java.io.Serializable;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** What is equal when its fields are, and shows them: type and value of each. */
public abstract class Bean implements Serializable {
  private static final long serialVersionUID = 1;

  @Override
  public String toString() {
    return Arrays.stream(getClass().getDeclaredFields())
        .filter(field -> !Modifier.isStatic(field.getModifiers()))
        .map(field -> field.getName() + "=" + show(field))
        .collect(Collectors.joining(", ", "{", "}"));
  }

  private String show(Field field) {
    try {
      field.setAccessible(true);
      return show(field.get(this));
    } catch (IllegalAccessException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static String show(Object value) {
    if (value == null) return "null";
    if (value instanceof byte[]) return "bytes" + Arrays.toString((byte[]) value);
    if (value instanceof Bean) return value.toString();
    if (value instanceof Iterable) {
      StringBuilder all = new StringBuilder("[");
      for (Object item : (Iterable<?>) value) all.append(show(item)).append(' ');
      return all.append(']').toString();
    }
    if (value instanceof Map) {
      Map<Object, String> shown = new TreeMap<>();
      ((Map) value).forEach((key, item) -> shown.put(key, show(item)));
      return shown.toString();
    }
    return value.getClass().getSimpleName() + " " + value;
  }

  @Override
  public boolean equals(Object other) {
    return other != null && other.getClass() == getClass() && other.toString().equals(toString());
  }

  @Override
  public int hashCode() {
    return toString().hashCode();
  }
}
