import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { notices } from "./notices.ts";

// Screens and libraries are written for React; what is shipped is Preact, which does the same for them in
// 10 KiB instead of 67: with React all files were 490 KiB gzipped, and 450 is what they may be. React
// itself stays for its types and as the peer that the libraries ask for.
const PREACT = {
  "react-dom/client": "preact/compat/client",
  "react-dom": "preact/compat",
  "react/jsx-runtime": "preact/jsx-runtime",
  react: "preact/compat",
};

// The built files are committed and travel in the wheel: the same source and lock file must give the
// same bytes, so nothing of the machine or the time goes into them.
export default defineConfig({
  base: "./",
  plugins: [react(), notices()],
  resolve: { alias: PREACT },
  build: {
    outDir: "../src/chatkeep/studio/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the policy of the page allows no inline script or style
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 800,
  },
});
