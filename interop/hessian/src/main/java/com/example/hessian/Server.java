package com.example.hessian;

import com.caucho.hessian.server.HessianSkeleton;
import com.example.interop.Address;
import com.example.interop.Color;
import com.example.interop.Exchange;
import com.example.interop.ExchangeException;
import com.example.interop.Parcel;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.net.InetSocketAddress;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import java.util.TreeMap;
import java.util.concurrent.Executors;

/** Serves {@link Exchange} with a HessianSkeleton at /exchange. Usage: Server port. Prints "ready", and ends with its input. */
public class Server implements Exchange {
  private static final ThreadLocal<HttpExchange> current = new ThreadLocal<>();
  private int nothings;

  public static void main(String[] arguments) throws IOException {
    HessianSkeleton skeleton = new HessianSkeleton(new Server(), Exchange.class);
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 0);
    server.setExecutor(Executors.newCachedThreadPool());
    server.createContext("/exchange", http -> answer(skeleton, http));
    server.start();
    System.out.println("ready");
    Scanner input = new Scanner(System.in);
    while (input.hasNextLine()) input.nextLine();
    System.exit(0);
  }

  private static void answer(HessianSkeleton skeleton, HttpExchange http) throws IOException {
    current.set(http);
    ByteArrayOutputStream reply = new ByteArrayOutputStream();
    try {
      skeleton.invoke(http.getRequestBody(), reply);
    } catch (Exception error) {
      http.sendResponseHeaders(500, -1);
      return;
    }
    http.getResponseHeaders().set("Content-Type", "x-application/hessian");
    http.sendResponseHeaders(200, reply.size());
    http.getResponseBody().write(reply.toByteArray());
    http.close();
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
    Object ms = sent == null ? null : sent.getTime();
    Object sorted = labels == null ? null : new TreeMap<>(labels);
    StringBuilder all = new StringBuilder(String.valueOf(text));
    for (Object part : new Object[] {count, weight, share, fragile, price, ms, tags, sorted, color, address}) {
      all.append('|').append(part);
    }
    return all.toString();
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
    if (kind.equals("business")) throw new ExchangeException("no parcel today: ä", 3);
    if (kind.equals("state")) throw new IllegalStateException("out of order");
    throw new IllegalArgumentException(kind);
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
    Map<String, String> all = new TreeMap<>();
    HttpExchange http = current.get();
    http.getRequestHeaders().forEach((name, values) -> all.put(name.toLowerCase(), values.get(0)));
    all.forEach((name, value) -> {
      if (name.startsWith("x-")) http.getResponseHeaders().set("back-" + name, value);
    });
    return all;
  }

  @Override
  public void nothing() {
    nothings++;
  }

  @Override
  public int nothings() {
    return nothings;
  }

  @Override
  public String name() {
    return "java";
  }
}
