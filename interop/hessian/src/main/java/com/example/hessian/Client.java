package com.example.hessian;

import com.caucho.hessian.client.HessianConnection;
import com.caucho.hessian.client.HessianProxyFactory;
import com.caucho.hessian.client.HessianURLConnectionFactory;
import com.caucho.hessian.io.HessianServiceException;
import com.example.interop.Exchange;
import com.example.interop.Parcel;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Calls {@link Exchange} with a HessianProxyFactory, as its input says: a line is a command with arguments, and is answered
 * with a line of JSON. Usage: Client url, "first" for requests in Hessian 1 (the default of the factory) or "second".
 */
public class Client {
  private static final Gson gson = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

  /** What only the caller knows of. */
  public interface Missing {
    String missing(String text);
  }

  private static final int patience = 60_000;
  private static final int impatience = 2000;
  private final HessianProxyFactory factory;
  private final Exchange exchange;
  private final Missing missing;

  Client(HessianProxyFactory factory, Exchange exchange, Missing missing) {
    this.factory = factory;
    this.exchange = exchange;
    this.missing = missing;
  }

  public static void main(String[] arguments) throws MalformedURLException {
    HessianProxyFactory factory = new HessianProxyFactory();
    factory.setHessian2Request(arguments[1].equals("second"));
    factory.setReadTimeout(patience);
    factory.setOverloadEnabled(false);
    HessianURLConnectionFactory connections = new HessianURLConnectionFactory() {
      @Override
      public HessianConnection open(URL url) throws IOException {
        HessianConnection connection = super.open(url);
        connection.addHeader("x-a", "1");
        return connection;
      }
    };
    connections.setHessianProxyFactory(factory);
    factory.setConnectionFactory(connections);
    Client client = new Client(
        factory,
        (Exchange) factory.create(Exchange.class, arguments[0]),
        (Missing) factory.create(Missing.class, arguments[0]));
    System.out.println("ready");
    Scanner input = new Scanner(System.in);
    while (input.hasNextLine()) System.out.println(gson.toJson(client.answer(input.nextLine().split(" "))));
    System.exit(0);
  }

  private Object answer(String[] words) {
    try {
      return run(words[0], words.length > 1 ? words[1] : "");
    } catch (Throwable error) {
      Map<String, Object> seen = new LinkedHashMap<>();
      seen.put("error", error.getClass().getName());
      seen.put("message", error.getMessage());
      for (Throwable cause = error; cause != null; cause = cause.getCause()) {
        seen.put("cause", cause.getClass().getName());
        if (cause instanceof HessianServiceException) {
          seen.put("code", ((HessianServiceException) cause).getCode());
          seen.put("message", cause.getMessage());
        }
      }
      return seen;
    }
  }

  private Object run(String command, String argument) throws Exception {
    switch (command) {
      case "echo":
        return echo(Parcel.named(argument));
      case "join":
        return join();
      case "data":
        return exchange.data(Integer.parseInt(argument)).length;
      case "size":
        return exchange.size(new byte[Integer.parseInt(argument)]);
      case "text":
        return text(Integer.parseInt(argument));
      case "fail":
        exchange.fail(argument);
        return "no error";
      case "sleep":
        return sleep(Integer.parseInt(argument));
      case "attachments":
        return exchange.attachments();
      case "nothing":
        exchange.nothing();
        return exchange.nothings();
      case "name":
        return exchange.name();
      case "missing":
        return missing.missing("x");
      case "many":
        return many(Integer.parseInt(argument));
      default:
        throw new IllegalArgumentException(command);
    }
  }

  private Object sleep(int ms) {
    factory.setReadTimeout(impatience);
    try {
      return exchange.sleep(ms);
    } finally {
      factory.setReadTimeout(patience);
    }
  }

  private Object echo(Parcel sent) {
    Parcel received = exchange.echo(sent);
    return sent.equals(received) ? true : Map.of("sent", sent.toString(), "received", String.valueOf(received));
  }

  private Object join() {
    Parcel full = Parcel.full();
    return exchange.join(
        full.text,
        full.count,
        full.weight,
        full.share,
        full.fragile,
        full.price,
        full.sent,
        full.tags,
        full.labels,
        full.color,
        full.address);
  }

  private Object text(int length) {
    Parcel parcel = Parcel.empty();
    parcel.text = "aä世😀".repeat(length / 5);
    return exchange.echo(parcel).text.equals(parcel.text) ? parcel.text.length() : -1;
  }

  /** How many of so many threads' ten calls each come back with what was sent. */
  private Object many(int threads) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    List<Future<Integer>> all = new ArrayList<>();
    for (int thread = 0; thread < threads; thread++) {
      int number = thread;
      all.add(pool.submit(() -> right(number)));
    }
    int right = 0;
    for (Future<Integer> one : all) right += one.get();
    pool.shutdown();
    return right;
  }

  private int right(int thread) {
    int right = 0;
    for (int i = 0; i < 10; i++) {
      Parcel parcel = Parcel.empty();
      parcel.count = thread * 1000 + i;
      parcel.text = "x".repeat((thread * 37 + i) % 5000);
      if (parcel.equals(exchange.echo(parcel))) right++;
    }
    return right;
  }
}
