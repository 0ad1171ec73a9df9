package com.example.triple;

import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import java.util.Scanner;
import mortise.testing.v1.DubboEchoTriple;
import mortise.testing.v1.Echo;
import mortise.testing.v1.Testing.Bytes;
import mortise.testing.v1.Testing.BytesRequest;
import mortise.testing.v1.Testing.CountRequest;
import mortise.testing.v1.Testing.Counted;
import mortise.testing.v1.Testing.FailRequest;
import mortise.testing.v1.Testing.Note;
import mortise.testing.v1.Testing.SleepRequest;
import mortise.testing.v1.Testing.Sum;
import mortise.testing.v1.Testing.WhoAmI;
import org.apache.dubbo.common.stream.StreamObserver;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.rpc.RpcContext;
import org.apache.dubbo.rpc.TriRpcStatus;

/** Serves the test service over triple. Usage: Provider port. Prints "ready", and ends with its input. */
public class Provider extends DubboEchoTriple.EchoImplBase {
  public static void main(String[] arguments) {
    ServiceConfig<Echo> service = new ServiceConfig<>();
    service.setApplication(application("java-provider"));
    service.setRegistry(new RegistryConfig(RegistryConfig.NO_AVAILABLE));
    service.setProtocol(new ProtocolConfig("tri", Integer.parseInt(arguments[0])));
    service.setInterface(Echo.class);
    service.setRef(new Provider());
    service.export();
    System.out.println("ready");
    Scanner input = new Scanner(System.in);
    while (input.hasNextLine()) input.nextLine();
    System.exit(0);
  }

  static ApplicationConfig application(String name) {
    ApplicationConfig application = new ApplicationConfig(name);
    application.setQosEnable(false);
    return application;
  }

  @Override
  public Note echo(Note note) {
    String sent = RpcContext.getServerAttachment().getAttachment("x-one");
    if (sent != null) RpcContext.getServerResponseContext().setAttachment("back-x-one", sent);
    return note;
  }

  @Override
  public Empty fail(FailRequest request) {
    if (request.getBug()) throw new IllegalStateException(request.getMessage());
    throw TriRpcStatus.fromCode(request.getCode()).withDescription(request.getMessage()).asException();
  }

  @Override
  public Empty sleep(SleepRequest request) {
    try {
      Thread.sleep(request.getMs());
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    return Empty.getDefaultInstance();
  }

  @Override
  public WhoAmI whoami(Empty request) {
    String trace = RpcContext.getServerAttachment().getAttachment("traceparent");
    return WhoAmI.newBuilder().setTraceId(trace == null ? "" : trace).build();
  }

  @Override
  public Bytes bytes(BytesRequest request) {
    return Bytes.newBuilder().setData(ByteString.copyFrom(new byte[request.getSize()])).build();
  }

  @Override
  public BytesRequest upload(Bytes request) {
    return BytesRequest.newBuilder().setSize(request.getData().size()).build();
  }

  @Override
  public void count(CountRequest request, StreamObserver<Counted> response) {
    for (int number = 1; number <= request.getCount(); number++) {
      response.onNext(Counted.newBuilder().setNumber(number).build());
      if (number == request.getFailAfter()) {
        response.onError(TriRpcStatus.fromCode(9).withDescription("no more").asException());
        return;
      }
    }
    response.onCompleted();
  }

  @Override
  public StreamObserver<Counted> sum(StreamObserver<Sum> response) {
    return new StreamObserver<>() {
      private final Sum.Builder sum = Sum.newBuilder();

      @Override
      public void onNext(Counted counted) {
        sum.setTotal(sum.getTotal() + counted.getNumber()).setCount(sum.getCount() + 1);
      }

      @Override
      public void onError(Throwable error) {}

      @Override
      public void onCompleted() {
        response.onNext(sum.build());
        response.onCompleted();
      }
    };
  }

  @Override
  public StreamObserver<Note> chat(StreamObserver<Note> response) {
    return new StreamObserver<>() {
      @Override
      public void onNext(Note note) {
        response.onNext(note);
      }

      @Override
      public void onError(Throwable error) {}

      @Override
      public void onCompleted() {
        response.onCompleted();
      }
    };
  }
}
