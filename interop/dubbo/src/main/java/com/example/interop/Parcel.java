package com.example.interop;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One field of every kind. The names are those of the contract in exchange.ts. */
public class Parcel extends Bean {
  private static final long serialVersionUID = 1;
  public String text;
  public int count;
  public long weight;
  public double share;
  public Float ratio; // hessian-lite 4.0.4 writes eight bytes where a float field has four
  public boolean fragile;
  public BigDecimal price;
  public Date sent;
  public byte[] data;
  public Color color;
  public Address address;
  public List<String> tags;
  public Map<String, Integer> labels;
  public List<Address> stops;
  public Map<String, Address> places;
  public Parcel inner;
  public String note;
  public Integer rank;
  public Long serial;

  /** Something in every field. */
  public static Parcel full() {
    Parcel parcel = new Parcel();
    parcel.text = "Grüße, 世界 😀";
    parcel.count = -123_456_789;
    parcel.weight = Long.MAX_VALUE - 1;
    parcel.share = 0.1;
    parcel.ratio = 1.5f;
    parcel.fragile = true;
    parcel.price = new BigDecimal("12345678901234567890.0123456789");
    parcel.sent = new Date(1_700_000_000_123L);
    parcel.data = new byte[] {0, 1, -1, 127, -128};
    parcel.color = Color.GREEN;
    parcel.address = new Address("Main Street", 7);
    parcel.tags = new ArrayList<>(List.of("a", "", "a"));
    parcel.labels = new LinkedHashMap<>(Map.of("one", 1, "minus", -1, "big", Integer.MAX_VALUE));
    parcel.stops = new ArrayList<>(List.of(new Address("Elm", 1), new Address("Oak", 2)));
    parcel.places = new LinkedHashMap<>(Map.of("home", new Address("Elm", 1)));
    parcel.inner = empty();
    parcel.note = "there";
    parcel.rank = 0;
    parcel.serial = 5L;
    return parcel;
  }

  /** What a message without any value is: no lists are missing, nor are texts. */
  public static Parcel empty() {
    Parcel parcel = new Parcel();
    parcel.text = "";
    parcel.ratio = 0f;
    parcel.price = BigDecimal.ZERO;
    parcel.data = new byte[0];
    parcel.color = Color.UNSPECIFIED;
    parcel.tags = new ArrayList<>();
    parcel.labels = new LinkedHashMap<>();
    parcel.stops = new ArrayList<>();
    parcel.places = new LinkedHashMap<>();
    return parcel;
  }

  /** The ends of the ranges, and dates of whole minutes, which Hessian writes differently. */
  public static Parcel edges() {
    Parcel parcel = empty();
    parcel.count = Integer.MIN_VALUE;
    parcel.weight = Long.MIN_VALUE;
    parcel.share = Double.MIN_VALUE;
    parcel.ratio = Float.MIN_VALUE;
    parcel.price = new BigDecimal("-1E+3");
    parcel.sent = new Date(-60_000);
    parcel.serial = 1L << 40;
    parcel.rank = -2049;
    parcel.inner = empty();
    parcel.inner.inner = empty();
    parcel.inner.inner.sent = new Date(0);
    parcel.inner.share = 1e300;
    return parcel;
  }

  /** The same object in several places. */
  public static Parcel shared() {
    Parcel parcel = empty();
    Address address = new Address("Shared", 1);
    parcel.address = address;
    parcel.stops = new ArrayList<>(List.of(address, address));
    parcel.places = new LinkedHashMap<>(Map.of("a", address, "b", address));
    return parcel;
  }

  public static Parcel named(String name) {
    switch (name) {
      case "full":
        return full();
      case "empty":
        return empty();
      case "edges":
        return edges();
      case "shared":
        return shared();
      case "nulls":
        return new Parcel();
      default:
        throw new IllegalArgumentException(name);
    }
  }
}
