import "../../styles/overview.css";
import { Link } from "wouter";
import { useOverview } from "../../overview";
import { Page } from "../../parts/basic";
import { overview as text } from "../../text/overview";
import { shell } from "../../text/shell";
import { Attention } from "./attention";
import { Figures } from "./figures";
import { Largest } from "./largest";
import { RecentChats } from "./recent";

const ONWARD: [path: string, title: string, about: string][] = [
  ["/people", shell.nav.people, text.destinations.people],
  ["/search", shell.nav.search, text.destinations.search],
  ["/insight", shell.nav.insight, text.destinations.insight],
  ["/tables", shell.nav.tables, text.destinations.tables],
  ["/sql", shell.nav.sql, text.destinations.sql],
  ["/schema", shell.nav.schema, text.destinations.schema],
  ["/migrations", shell.nav.migrations, text.destinations.migrations],
];

/** The first page: the database at one look, and the ways onward. Each part waits for its own answer. */
export default function OverviewScreen() {
  const { data } = useOverview();
  const about = data ? text.about(data.place, data.version, data.role) : "\u00a0";
  return (
    <Page title={shell.nav.overview} about={about}>
      <Figures />
      <div className="overview-columns">
        <div className="overview-column">
          <RecentChats />
          <Largest />
        </div>
        <div className="overview-column">
          <Attention />
          <Onward />
        </div>
      </div>
    </Page>
  );
}

function Onward() {
  return (
    <section className="panel overview-panel overview-last" aria-labelledby="overview-onward">
      <h2 id="overview-onward">{text.onward}</h2>
      <ul className="overview-onward">
        {ONWARD.map(([path, title, what]) => (
          <li key={path}>
            <Link href={path}>{title}</Link>
            <p className="muted">{what}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}
