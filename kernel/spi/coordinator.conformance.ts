import { conformance } from "../testing/conformance.ts";
import { beginLaws } from "./coordinator-laws/begin.ts";
import type { CoordinatorSubject } from "./coordinator-laws/common.ts";
import { decideLaws } from "./coordinator-laws/decide.ts";
import { driveLaws } from "./coordinator-laws/drive.ts";
import { modelLaws } from "./coordinator-laws/model.ts";
import { operateLaws } from "./coordinator-laws/operate.ts";

export { type CoordinatorSubject, sampleTransaction } from "./coordinator-laws/common.ts";

/** What all coordinators keep to, as seen by two processes that use them. */
export const coordinatorConformance = conformance<CoordinatorSubject>("coordinator", [
  ...beginLaws,
  ...decideLaws,
  ...driveLaws,
  ...operateLaws,
  ...modelLaws,
]);
