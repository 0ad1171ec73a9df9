export { transactionPoliciesConfig } from "@mortise/kernel/runtime";
