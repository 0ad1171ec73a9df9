package com.example.interop;

import java.math.BigDecimal;
import java.util.Date;
import java.util.List;
import java.util.Map;

public interface Exchange {
  /** The same again. */
  Parcel echo(Parcel parcel);

  /** Several arguments, and a text made of them. */
  String join(
      String text,
      int count,
      long weight,
      double share,
      boolean fragile,
      BigDecimal price,
      Date sent,
      List<String> tags,
      Map<String, Integer> labels,
      Color color,
      Address address);

  /** Bytes as long as asked for. */
  byte[] data(int size);

  /** How many bytes there were. */
  int size(byte[] data);

  /** Fails with: business, state, checked, npe. */
  void fail(String kind);

  /** The milliseconds asked for, after them. */
  int sleep(int ms);

  /** The attachments whose names begin with x-, which are attached to the response as well. */
  Map<String, String> attachments();

  /** No argument, and nothing to say. */
  void nothing();

  /** How often there was nothing to say. */
  int nothings();

  /** Who answers. */
  String name();
}
