import assert from "node:assert/strict";
import { it } from "node:test";
import { type LoadBalancer, loadBalancer } from "@mortise/kernel";
import { asksForLoad, type LoadReport, readLoadReport } from "@mortise/kernel/spi/load-report";
import { Echo, echoService, given, surroundings, testApp } from "@mortise/kernel/testing";
import { loadReport } from "@mortise/plugins/filter/load-report/load-report";
import { adaptive } from "@mortise/plugins/loadbalancer/adaptive/adaptive";
import { grpc } from "@mortise/plugins/protocol/grpc/grpc";
import { inproc } from "@mortise/plugins/protocol/inproc/inproc";
import { protobuf } from "@mortise/plugins/serializer/protobuf/protobuf";

/** Takes the first; keeps what the instance said of itself. */
function listening(heard: (LoadReport | undefined)[]): LoadBalancer {
  return {
    picker: () => ({
      asks: asksForLoad,
      pick: ([instance]) => ({
        instance: instance ?? assert.fail(),
        done: ({ trailers }) => void heard.push(trailers && readLoadReport(trailers())),
      }),
    }),
  };
}

for (const protocol of [grpc, inproc]) {
  it(`providers report their load over ${protocol.name} to who asks`, async () => {
    const heard: (LoadReport | undefined)[] = [];
    const plugins = [protocol, protobuf, loadReport, adaptive, echoService()];
    const use = { protocol: protocol.name, filter: ["load-report"] };
    const around = surroundings();
    await using app = await testApp({
      around,
      plugins: [...plugins, given(loadBalancer, "listening", listening(heard))],
      use: { ...use, loadbalancer: "listening" },
    });
    await app.clients.client(Echo).bytes({ size: 10 });
    const [report] = heard;
    assert.ok(report && report.load >= 0 && report.load <= 1 && report.tookMs >= 0, JSON.stringify(report));
    await app.become({ around, plugins, use: { ...use, loadbalancer: "adaptive" } });
    for (let i = 0; i < 20; i++) await app.clients.client(Echo).bytes({ size: 10 });
  });
}
