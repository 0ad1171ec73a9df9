package com.example.triple;

import com.google.gson.Gson;
import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import mortise.testing.v1.Echo;
import mortise.testing.v1.Testing.Bytes;
import mortise.testing.v1.Testing.BytesRequest;
import mortise.testing.v1.Testing.CountRequest;
import mortise.testing.v1.Testing.Counted;
import mortise.testing.v1.Testing.FailRequest;
import mortise.testing.v1.Testing.Mood;
import mortise.testing.v1.Testing.Note;
import mortise.testing.v1.Testing.SleepRequest;
import mortise.testing.v1.Testing.Sum;
import mortise.testing.v1.Testing.WhoAmI;
import org.apache.dubbo.common.stream.StreamObserver;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.rpc.RpcContext;
import org.apache.dubbo.rpc.RpcException;
import org.apache.dubbo.rpc.StatusRpcException;

/**
 * Calls the test service over triple, as its input says: a line is a command with arguments, and is answered with a line
 * of JSON. Usage: Consumer url.
 */
public class Consumer {
  private static final Gson gson = new Gson();
  private final Echo echo;

  Consumer(Echo echo) {
    this.echo = echo;
  }

  public static void main(String[] arguments) {
    ReferenceConfig<Echo> reference = new ReferenceConfig<>();
    reference.setApplication(Provider.application("java-consumer"));
    reference.setInterface(Echo.class);
    reference.setUrl(arguments[0]);
    reference.setProxy("nativestub");
    reference.setTimeout(6000);
    reference.setRetries(0);
    reference.setCheck(false);
    Consumer consumer = new Consumer(reference.get());
    System.out.println("ready");
    Scanner input = new Scanner(System.in);
    while (input.hasNextLine()) {
      System.out.println(gson.toJson(consumer.answer(input.nextLine().split(" "))));
    }
    System.exit(0);
  }

  private Object answer(String[] words) {
    try {
      return run(words[0], words.length > 1 ? words[1] : "");
    } catch (Throwable error) {
      return seen(error);
    }
  }

  private static Map<String, Object> seen(Throwable error) {
    Map<String, Object> seen = new LinkedHashMap<>();
    seen.put("error", error.getClass().getName());
    seen.put("message", String.valueOf(error.getMessage()));
    if (error instanceof RpcException) seen.put("code", ((RpcException) error).getCode());
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      if (cause instanceof StatusRpcException) seen.put("status", ((StatusRpcException) cause).getStatus().code.code);
    }
    return seen;
  }

  private Object run(String command, String argument) throws Exception {
    switch (command) {
      case "echo":
        return note().equals(echo.echo(note()));
      case "empty":
        return Note.getDefaultInstance().equals(echo.echo(Note.getDefaultInstance()));
      case "count":
        return counted(CountRequest.newBuilder().setCount(Integer.parseInt(argument)).build());
      case "count-fail":
        return counted(CountRequest.newBuilder().setCount(9).setFailAfter(3).build());
      case "sum":
        return sum(Integer.parseInt(argument));
      case "chat":
        return chat(Integer.parseInt(argument));
      case "fail":
        return echo.fail(FailRequest.newBuilder().setCode(Integer.parseInt(argument)).setMessage("it is " + argument + ": ä").build());
      case "sleep":
        echo.sleep(SleepRequest.newBuilder().setMs(Integer.parseInt(argument)).build());
        return "slept";
      case "whoami":
        return whoami();
      case "upload":
        return echo.upload(Bytes.newBuilder().setData(ByteString.copyFrom(new byte[Integer.parseInt(argument)])).build()).getSize();
      case "bytes":
        return echo.bytes(BytesRequest.newBuilder().setSize(Integer.parseInt(argument)).build()).getData().size();
      case "many":
        return many(Integer.parseInt(argument));
      default:
        throw new IllegalArgumentException(command);
    }
  }

  private static Note note() {
    return Note.newBuilder()
        .setText("Grüße, 世界 😀")
        .setNumber(Long.MIN_VALUE)
        .setShare(0.1)
        .setFlag(true)
        .setData(ByteString.copyFrom(new byte[] {0, -1}))
        .setMood(Mood.MOOD_SAD)
        .addTags("a")
        .addTags("")
        .putLabels("one", 1)
        .setTitle("")
        .setReply(Note.newBuilder().setPage(0))
        .setLink("link")
        .build();
  }

  private Object whoami() {
    RpcContext.getClientAttachment().setAttachment("x-one", "1");
    RpcContext.getClientAttachment().setAttachment("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    WhoAmI who = echo.whoami(Empty.getDefaultInstance());
    Map<String, String> metadata = new TreeMap<>();
    who.getMetadataList().forEach(entry -> metadata.put(entry.getName(), entry.getText()));
    return Map.of("remaining", who.getRemainingMs(), "trace", who.getTraceId(), "metadata", metadata);
  }

  /** What a stream brings, and how it ends. */
  private static class Collected<T, R> implements StreamObserver<T> {
    final List<Object> all = new ArrayList<>();
    final CompletableFuture<List<Object>> end = new CompletableFuture<>();
    private final Function<T, R> shown;

    Collected(Function<T, R> shown) {
      this.shown = shown;
    }

    @Override
    public void onNext(T message) {
      all.add(shown.apply(message));
    }

    @Override
    public void onError(Throwable error) {
      all.add(seen(error));
      end.complete(all);
    }

    @Override
    public void onCompleted() {
      end.complete(all);
    }

    Object wait10s() throws Exception {
      return end.get(10, TimeUnit.SECONDS);
    }
  }

  private Object counted(CountRequest request) throws Exception {
    Collected<Counted, Integer> numbers = new Collected<>(Counted::getNumber);
    echo.count(request, numbers);
    return numbers.wait10s();
  }

  private Object sum(int last) throws Exception {
    Collected<Sum, String> sums = new Collected<>(sum -> sum.getTotal() + " of " + sum.getCount());
    StreamObserver<Counted> requests = echo.sum(sums);
    for (int number = 1; number <= last; number++) requests.onNext(Counted.newBuilder().setNumber(number).build());
    requests.onCompleted();
    return sums.wait10s();
  }

  private Object chat(int count) throws Exception {
    Collected<Note, String> texts = new Collected<>(Note::getText);
    StreamObserver<Note> requests = echo.chat(texts);
    for (int i = 0; i < count; i++) requests.onNext(Note.newBuilder().setText("" + i).build());
    requests.onCompleted();
    return texts.wait10s();
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
      Note note = Note.newBuilder().setText("x".repeat(thread * 7 + i)).setNumber(thread * 1000 + i).build();
      if (note.equals(echo.echo(note))) right++;
    }
    return right;
  }
}
