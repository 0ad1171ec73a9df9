import assert from "node:assert/strict";
import { it } from "node:test";
import {
  callContext,
  type LoadBalancer,
  loadBalancer,
  type Metadata,
  type Plugin,
  type ProtocolFacts,
  systemPorts,
} from "@mortise/kernel";
import { asksForLoad, type LoadReport, loadReportTrailer, readLoadReport } from "@mortise/kernel/spi/load-report";
import { given, natsServer, onServer, surroundings, testApp } from "@mortise/kernel/testing";
import { loadReport } from "@mortise/plugins/filter/load-report/load-report";
import { adaptive } from "@mortise/plugins/loadbalancer/adaptive/adaptive";
import { installedOf } from "./installed.fixture.ts";
import { Swaps, swaps } from "./swaps.fixture.ts";

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

const protocols = await installedOf("protocol");
const serializers = await installedOf("serializer");
const carriesUnary = ({ facts }: Plugin) => (facts as ProtocolFacts).kinds.includes("unary");

await onServer("with NATS", natsServer, ({ url }) => {
  for (const [name, protocol] of [...protocols].filter(([, plugin]) => carriesUnary(plugin))) {
    it(`providers report their load over ${name} to who asks, and to nobody else`, async () => {
      const heard: (LoadReport | undefined)[] = [];
      const plugins = [protocol, ...serializers.values(), loadReport, adaptive, swaps];
      const use = { protocol: name, serializer: [...serializers.keys()], filter: ["load-report"] };
      const options = { "protocol/nats": { servers: url, prefix: `load${systemPorts.ids.hex(4)}` } };
      const around = surroundings();
      await using app = await testApp({
        around,
        plugins: [...plugins, given(loadBalancer, "listening", listening(heard))],
        use: { ...use, loadbalancer: "listening" },
        ...(name === "nats" && { options }),
      });
      const { say } = app.clients.client(Swaps);
      await say({ text: "a", number: 1 });
      const [report] = heard;
      assert.ok(report && report.load >= 0 && report.load <= 1 && report.tookMs >= 0, JSON.stringify(report));
      const trailers: (string | undefined)[] = [];
      const onTrailers = (of: Metadata) => trailers.push(of.get(loadReportTrailer));
      const become = (loadbalancer: string) =>
        app.become({ around, plugins, use: { ...use, loadbalancer }, ...(name === "nats" && { options }) });
      for (const balancer of ["adaptive", "random"]) {
        await become(balancer);
        await say({ text: "a", number: 1 }, callContext({ onTrailers }));
      }
      assert.match(trailers[0] ?? "", /^TEXT application_utilization=/);
      assert.equal(trailers[1], undefined);
    });
  }
});
