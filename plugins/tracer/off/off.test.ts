import { tracerConformance } from "@mortise/kernel/spi/tracer.conformance";
import { offTracer } from "./off.ts";

const reason = "records nothing by design";

tracerConformance({
  name: "off",
  make: () => ({ subject: (ports) => ({ api: offTracer(ports) }) }),
  deviations: [
    { law: "hands over a finished span as it was", reason },
    { law: "puts all attributes in place of others", reason },
    { law: "takes a span that is told of afterwards", reason },
    { law: "hands over on its own, within seconds, and leaves no timer behind", reason },
    { law: "hands over what is recorded when it stops", reason },
    { law: "counts what it records", reason },
  ],
});
