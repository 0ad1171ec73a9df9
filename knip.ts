const tests = ["**/*.test.ts", "**/*.fixture.ts"];

export default {
  // Tools that scripts start by name.
  ignoreDependencies: [
    "@biomejs/biome",
    "@bufbuild/buf",
    "@typescript/native",
    "deno",
    "oxlint",
    "oxlint-tsgolint",
    // Optional drivers, installed here for the tests of the plugins that load them.
    "jose",
    "redis",
  ],
  ignoreBinaries: ["java"], // whose peers are tested against where it is installed
  workspaces: {
    ".": { entry: ["scripts/*.ts", "bench/*.ts", "interop/**/*.ts"] },
    kernel: { entry: tests },
    plugins: { entry: tests },
    telemetry: { entry: tests },
    proto: { entry: ["shop/*.ts", "gen/**/*.ts"] },
    "apps/hello": { entry: ["*.ts"] },
    "apps/shop": {
      entry: [...tests, "*/*.ts", "*.ts", "web/src/main.tsx", "web/vite.config.ts"],
      project: ["**/*.{ts,tsx}"],
      ignoreDependencies: ["@fontsource-variable/.*"], // named by the style sheet
    },
  },
  ignoreExportsUsedInFile: true,
  // Optional drivers are loaded by the one plugin that needs them, which is what makes them optional.
  rules: { optionalPeerDependencies: "off" },
};
