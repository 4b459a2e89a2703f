import "../../styles/schema.css";
import "../../styles/schema-page.css";
import { usePathname } from "wouter/use-browser-location";
import { ROOT } from "../../api";
import { Diagram } from "./diagram";
import { FindingsPage } from "./findings";
import { TablePageView } from "./table";

/** Names in the address are encoded one by one: a slash inside one is none of the address. */
function parts(path: string): string[] {
  const rest = path.slice(ROOT.length).split("/").filter(Boolean).slice(1);
  try {
    return rest.map(decodeURIComponent);
  } catch {
    return rest;
  }
}

export default function SchemaScreen() {
  const [first, second] = parts(usePathname());
  if (first !== undefined && second !== undefined) return <TablePageView key={`${first} ${second}`} schema={first} name={second} />;
  return first === "findings" ? <FindingsPage /> : <Diagram />;
}
