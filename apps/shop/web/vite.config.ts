import preact from "@preact/preset-vite";
import { defineConfig } from "vite";

/** Builds the storefront into `dist`; `vite` alone serves it for development, with the gateway behind it. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [preact()],
  build: { outDir: "dist", emptyOutDir: true, target: "es2022", assetsInlineLimit: 0, reportCompressedSize: false },
  server: { proxy: { "/api": "http://127.0.0.1:8080", "/traces": "http://127.0.0.1:8080" } },
});
