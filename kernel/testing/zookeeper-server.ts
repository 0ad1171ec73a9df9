import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Place, type RealServer, type RealServerOptions, realServer } from "./real-server.ts";

const jars = ["zookeeper.jar", "slf4j-nop.jar"].map((jar) => join("/usr/share/java", jar)).join(":");

/**
 * A ZooKeeper server: `ZOOKEEPER_URL`, else the Debian package, run by `java` from PATH. It keeps its data over a crash and
 * grants sessions as short as 400 ms.
 */
export function zookeeperServer(options: RealServerOptions = {}): Promise<RealServer> {
  return realServer(
    {
      name: "ZooKeeper server",
      env: "ZOOKEEPER_URL",
      command: "java",
      debianPackage: "zookeeper",
      args: ({ dir }) => [
        ...["-Xmx256m", "-Dzookeeper.forceSync=no", "-cp", jars],
        ...["org.apache.zookeeper.server.quorum.QuorumPeerMain", join(dir, "zoo.cfg")],
      ],
      prepare: (place) => writeFileSync(join(place.dir, "zoo.cfg"), configuration(place)),
      url: ({ host, port }) => `zookeeper://${host}:${port}`,
    },
    options,
  );
}

function configuration({ host, port, dir }: Place): string {
  return [
    "tickTime=200",
    "minSessionTimeout=400",
    "maxSessionTimeout=60000",
    `dataDir=${join(dir, "data")}`,
    `clientPort=${port}`,
    `clientPortAddress=${host}`,
    "maxClientCnxns=0",
    "admin.enableServer=false",
    "",
  ].join("\n");
}
