import { int32, int64, message, string } from "../../index.ts";

export const Money = message("test.money.v1.Money", { currency: string(1), units: int64(2), nanos: int32(3) });
