// How users test operations of their own. Needs fast-check.
export {
  type LawOfOperation,
  type LawsOfOperations,
  operationConformance,
  operationLaws,
} from "./operation-conformance.ts";
export type { OpenedDatabase, OperationsSubject } from "./subject.ts";
