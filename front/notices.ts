import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Plugin } from "vite";

const LICENCE = /^((un)?licen[cs]e|copying|notice)/i;
// Licences that ask for no notice: a package may leave their text out.
const NO_NOTICE = ["Unlicense", "0BSD"];

interface About {
  name: string;
  version: string;
  license: string;
}

/** Writes THIRD-PARTY.txt beside the built files: each package that went into them, with its licence. */
export function notices(): Plugin {
  return {
    name: "notices",
    apply: "build",
    generateBundle(_options, bundle) {
      const folders = new Set<string>();
      for (const chunk of Object.values(bundle)) {
        const ids = chunk.type === "chunk" ? chunk.moduleIds : (chunk.originalFileNames ?? []);
        for (const id of ids) {
          const folder = packageOf(id);
          if (folder) folders.add(folder);
        }
      }
      // Styles lose their names on the way into one file: who is imported for styles has code as well.
      const texts = [...folders].map(noticeOf).sort();
      const source = `${HEAD}\n${texts.join("\n")}`;
      this.emitFile({ type: "asset", fileName: "THIRD-PARTY.txt", source });
    },
  };
}

const HEAD = `The studio's built files hold code of the packages below, each under its own licence.
Written by the build from front/package-lock.json; see front/notices.ts.
`;

function packageOf(id: string): string | null {
  const path = id.replace(/^\0/, "").replace(/\?.*$/, "");
  if (!path.includes("/node_modules/")) return null;
  for (let folder = dirname(path); !folder.endsWith("/node_modules"); folder = dirname(folder)) {
    const file = join(folder, "package.json");
    // Some packages mark their folders with a package.json that only tells the kind of modules.
    if (existsSync(file) && (JSON.parse(readFileSync(file, "utf-8")) as About).version) return folder;
  }
  return null;
}

function noticeOf(folder: string): string {
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf-8")) as About;
  const files = readdirSync(folder).filter((name) => LICENCE.test(name)).sort();
  if (files.length === 0 && !NO_NOTICE.includes(about.license)) {
    throw new Error(`${about.name} (${about.license}) brings no file with its licence`);
  }
  const texts = files.map((name) => readFileSync(join(folder, name), "utf-8").replace(/\r\n/g, "\n").trim());
  return `---- ${about.name} ${about.version} (${about.license}) ----\n\n${texts.join("\n\n")}\n`;
}
