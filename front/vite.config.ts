import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { notices } from "./notices.ts";

// The built files are committed and travel in the wheel: the same source and lock file must give the
// same bytes, so nothing of the machine or the time goes into them.
export default defineConfig({
  base: "./",
  plugins: [react(), notices()],
  build: {
    outDir: "../src/chatkeep/studio/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the policy of the page allows no inline script or style
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 800,
  },
});
