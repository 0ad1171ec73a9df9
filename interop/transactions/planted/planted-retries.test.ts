import { testPlanted } from "./planting.ts";
import { patient } from "./scenes-retries.ts";

await testPlanted(["roundsNeverRest", "asksAtOnce", "sendsAllAgain", "noticesWithoutEnd"], {
  world: { patience: patient, together: false },
  found: /rounds under tcc|was asked for|was sent more than|attempts of a notice/,
});
