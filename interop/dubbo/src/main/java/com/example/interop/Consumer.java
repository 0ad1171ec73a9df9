package com.example.interop;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.dubbo.config.MethodConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.rpc.RpcContext;
import org.apache.dubbo.rpc.RpcException;
import org.apache.dubbo.rpc.service.EchoService;
import org.apache.dubbo.rpc.service.GenericService;

/**
 * Calls {@link Exchange} over the dubbo protocol, as its input says: a line is a command with arguments, and is answered
 * with a line of JSON.
 *
 * <p>Usage: Consumer url[;url] [timeout in milliseconds] [heartbeat in milliseconds].
 */
public class Consumer {
  private static final Gson gson = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
  private final Exchange exchange;
  private final String url;

  Consumer(Exchange exchange, String url) {
    this.exchange = exchange;
    this.url = url;
  }

  public static void main(String[] arguments) {
    ReferenceConfig<Exchange> reference = reference(arguments[0]);
    if (arguments.length > 1) reference.setTimeout(Integer.parseInt(arguments[1]));
    reference.setCluster("failover");
    if (arguments.length > 2) {
      reference.setParameters(Map.of("heartbeat", arguments[2], "dubbo.application.least-reconnect-duration", arguments[2]));
    }
    MethodConfig nothing = new MethodConfig();
    nothing.setName("nothing");
    nothing.setReturn(false);
    reference.setMethods(new ArrayList<>(List.of(nothing)));
    Consumer consumer = new Consumer(reference.get(), arguments[0]);
    System.out.println("ready");
    Scanner input = new Scanner(System.in);
    while (input.hasNextLine()) {
      System.out.println(gson.toJson(consumer.answer(input.nextLine().split(" "))));
    }
    System.exit(0);
  }

  private static <T> ReferenceConfig<T> reference(String url) {
    ReferenceConfig<T> reference = new ReferenceConfig<>();
    reference.setApplication(Provider.application("java-consumer"));
    reference.setInterface(Exchange.class);
    reference.setUrl(url);
    reference.setTimeout(10_000);
    reference.setRetries(0);
    reference.setCheck(false);
    return reference;
  }

  private Object answer(String[] words) {
    long begin = System.nanoTime();
    try {
      return run(words);
    } catch (Throwable error) {
      Map<String, Object> seen = new LinkedHashMap<>();
      seen.put("error", error.getClass().getName());
      seen.put("message", error.getMessage());
      for (Throwable cause = error; cause != null; cause = cause.getCause()) {
        if (cause instanceof RpcException) seen.put("code", ((RpcException) cause).getCode()); // Dubbo 3.3 wraps them
      }
      if (error instanceof ExchangeException) seen.put("level", ((ExchangeException) error).getLevel());
      seen.put("ms", (System.nanoTime() - begin) / 1_000_000);
      return seen;
    }
  }

  private Object run(String[] words) throws Exception {
    switch (words[0]) {
      case "echo":
        return echo(Parcel.named(words[1]));
      case "join":
        return join();
      case "join-nulls":
        return exchange.join(null, 0, 0, 0, false, null, null, null, null, null, null);
      case "data":
        return exchange.data(Integer.parseInt(words[1])).length;
      case "size":
        return exchange.size(new byte[Integer.parseInt(words[1])]);
      case "text":
        return text(Integer.parseInt(words[1]));
      case "fail":
        exchange.fail(words[1]);
        return "no error";
      case "sleep":
        return exchange.sleep(Integer.parseInt(words[1]));
      case "attachments":
        return attachments(Arrays.copyOfRange(words, 1, words.length));
      case "nothing":
        exchange.nothing();
        return null;
      case "nothings":
        return exchange.nothings();
      case "name":
        return exchange.name();
      case "names":
        return names(Integer.parseInt(words[1]), 60_000);
      case "names-for":
        return names(Integer.MAX_VALUE, Long.parseLong(words[1]));
      case "generic":
        return generic(words[1]);
      case "version":
        return version(words[1]);
      case "$echo":
        return ((EchoService) exchange).$echo(words[1]);
      case "many":
        return many(Integer.parseInt(words[1]), Integer.parseInt(words[2]));
      default:
        throw new IllegalArgumentException(words[0]);
    }
  }

  /** A call that knows nothing of the interface. */
  private Object generic(String method) {
    ReferenceConfig<GenericService> reference = reference(url);
    reference.setGeneric("true");
    Map<String, Object> address = new LinkedHashMap<>(Map.of("street", "Elm", "number", 5));
    Map<String, Object> parcel = new LinkedHashMap<>(Map.of("text", "generic", "address", address));
    Object[] arguments = {parcel};
    Object result = reference.get().$invoke(method, new String[] {Parcel.class.getName()}, arguments);
    return gson.toJson(result);
  }

  /** A call to a version of the service that is not there. */
  private Object version(String version) {
    ReferenceConfig<Exchange> reference = reference(url);
    reference.setVersion(version);
    return reference.get().name();
  }

  private Object echo(Parcel sent) {
    Parcel received = exchange.echo(sent);
    if (sent.equals(received)) return true;
    return Map.of("sent", sent.toString(), "received", String.valueOf(received));
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

  /** A text with characters of one to four bytes, there and back. */
  private Object text(int length) {
    Parcel parcel = Parcel.empty();
    parcel.text = "aä世😀".repeat(length / 5);
    return exchange.echo(parcel).text.equals(parcel.text) ? parcel.text.length() : -1;
  }

  private Object attachments(String[] pairs) {
    RpcContext context = RpcContext.getContext();
    for (String pair : pairs) context.setAttachment(pair.split("=")[0], pair.split("=")[1]);
    Map<String, String> seen = new TreeMap<>(exchange.attachments());
    Map<String, String> back = new TreeMap<>();
    RpcContext.getServerContext()
        .getAttachments()
        .forEach((key, value) -> back.put(key, String.valueOf(value)));
    return Map.of("seen", seen, "back", back);
  }

  /** Who answers how often, in so many calls or milliseconds. */
  private Object names(int calls, long ms) {
    Map<String, Integer> counts = new TreeMap<>();
    long end = System.nanoTime() + ms * 1_000_000;
    for (int i = 0; i < calls && System.nanoTime() < end; i++) {
      String name;
      try {
        name = exchange.name();
      } catch (RuntimeException error) {
        name = error.toString();
      }
      counts.merge(name, 1, Integer::sum);
    }
    return counts;
  }

  /** How many of the calls that threads make at once come back with what was sent. */
  private Object many(int threads, int callsEach) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    List<Future<Integer>> all = new ArrayList<>();
    for (int thread = 0; thread < threads; thread++) {
      int number = thread;
      all.add(pool.submit(() -> right(number, callsEach)));
    }
    int right = 0;
    for (Future<Integer> one : all) right += one.get();
    pool.shutdown();
    return right;
  }

  private int right(int thread, int calls) {
    int right = 0;
    for (int i = 0; i < calls; i++) {
      Parcel parcel = Parcel.empty();
      parcel.count = thread * 1_000_000 + i;
      parcel.price = new BigDecimal(i);
      parcel.sent = new Date(i);
      parcel.text = "x".repeat((thread * 37 + i) % 5000);
      if (parcel.equals(exchange.echo(parcel))) right++;
    }
    return right;
  }
}
