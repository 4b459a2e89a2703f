import "../../styles/transcript.css";
import { Empty, Page } from "../../parts/basic";
import { shell } from "../../text/shell";

export default function Screen() {
  return (
    <Page title={shell.nav.people}>
      <Empty title={shell.loading} />
    </Page>
  );
}
