import "../../styles/overview.css";
import { useOverview } from "../../overview";
import { Answer, Page } from "../../parts/basic";
import { bytes } from "../../format";
import { shell } from "../../text/shell";

export default function Overview() {
  const asked = useOverview();
  return (
    <Page title={shell.nav.overview}>
      <Answer of={asked}>{(data) => <p>{`${data.place} · ${bytes(data.bytes)}`}</p>}</Answer>
    </Page>
  );
}
