// Loaded into every process that runs a test file. What a test has left open keeps its process alive when all tests are over,
// and nothing would ever end it: here that is an error, which says what is open.
import { afterEach, beforeEach } from "node:test";

/** Longer than what is done before the first test, which may install or build a server, and after it, in milliseconds. */
const beforeMs = 300_000;
const afterMs = 120_000;

function watch(): void {
  let running = 0;
  let patienceMs = beforeMs;
  let since = performance.now();
  const changed = (by: number) => () => {
    running += by;
    patienceMs = afterMs;
    since = performance.now();
  };
  beforeEach(changed(1));
  afterEach(changed(-1));
  const look = () => {
    if (running > 0 || performance.now() - since < patienceMs) return;
    console.error(`The tests are over, and this is still open: ${process.getActiveResourcesInfo().join(", ")}`);
    process.exit(1);
  };
  setInterval(look, 5000).unref();
}

if (process.env.NODE_TEST_CONTEXT?.startsWith("child")) watch();
