package com.example.interop;

import java.util.Map;
import java.util.Scanner;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;

/**
 * Serves {@link Exchange} over the dubbo protocol.
 *
 * <p>Usage: Provider port name [heartbeat in milliseconds]. Prints "ready", and ends with its input.
 */
public class Provider {
  public static void main(String[] arguments) {
    ServiceConfig<Exchange> service = new ServiceConfig<>();
    service.setApplication(application("java-provider"));
    service.setRegistry(new RegistryConfig(RegistryConfig.NO_AVAILABLE));
    ProtocolConfig protocol = new ProtocolConfig("dubbo", Integer.parseInt(arguments[0]));
    protocol.setHost("127.0.0.1");
    protocol.setThreads(300);
    if (arguments.length > 2) {
      protocol.setHeartbeat(Integer.parseInt(arguments[2]));
      protocol.setParameters(Map.of("heartbeat", arguments[2]));
    }
    service.setProtocol(protocol);
    service.setInterface(Exchange.class);
    service.setRef(new ExchangeService(arguments[1]));
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
}
