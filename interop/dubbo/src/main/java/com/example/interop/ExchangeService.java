package com.example.interop;

import java.math.BigDecimal;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.dubbo.rpc.RpcContext;

/** Does what {@link Exchange} says. */
public class ExchangeService implements Exchange {
  private final AtomicInteger nothings = new AtomicInteger();
  private final String name;

  public ExchangeService(String name) {
    this.name = name;
  }

  @Override
  public Parcel echo(Parcel parcel) {
    return parcel;
  }

  @Override
  public String join(
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
      Address address) {
    return String.join(
        "|",
        List.of(
            String.valueOf(text),
            String.valueOf(count),
            String.valueOf(weight),
            String.valueOf(share),
            String.valueOf(fragile),
            String.valueOf(price),
            sent == null ? "null" : String.valueOf(sent.getTime()),
            String.valueOf(tags),
            labels == null ? "null" : new TreeMap<>(labels).toString(),
            String.valueOf(color),
            String.valueOf(address)));
  }

  @Override
  public byte[] data(int size) {
    return new byte[size];
  }

  @Override
  public int size(byte[] data) {
    return data.length;
  }

  @Override
  public void fail(String kind) {
    switch (kind) {
      case "business":
        throw new ExchangeException("no parcel today: ä", 3);
      case "state":
        throw new IllegalStateException("out of order");
      case "npe":
        throw new NullPointerException();
      default:
        throw new IllegalArgumentException(kind);
    }
  }

  @Override
  public int sleep(int ms) {
    try {
      Thread.sleep(ms);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    return ms;
  }

  @Override
  public Map<String, String> attachments() {
    Map<String, String> own = new TreeMap<>();
    RpcContext.getContext()
        .getAttachments()
        .forEach((key, value) -> own.put(key, String.valueOf(value)));
    own.forEach((key, value) -> {
      if (key.startsWith("x-")) RpcContext.getServerContext().setAttachment("back-" + key, value);
    });
    return own;
  }

  @Override
  public void nothing() {
    nothings.incrementAndGet();
  }

  @Override
  public int nothings() {
    return nothings.get();
  }

  @Override
  public String name() {
    return name;
  }
}
