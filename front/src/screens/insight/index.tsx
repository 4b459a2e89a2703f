import "../../styles/insight.css";
import { Empty, Page } from "../../parts/basic";
import { shell } from "../../text/shell";

export default function Screen() {
  return (
    <Page title={shell.nav.insight}>
      <Empty title={shell.loading} />
    </Page>
  );
}
