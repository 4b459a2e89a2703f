import "../../styles/migrations.css";
import { useRoute } from "wouter";
import { useParams } from "../../address";
import { List } from "./list";
import { One } from "./one";
import { PlanDialog } from "./plan";
import { RunDialog } from "./run";

/** The list or one migration; over it, what is to be run or runs: `?show=`. */
export default function Migrations() {
  const [, match] = useRoute("/migrations/:tag");
  const [params, change] = useParams();
  const show = params.get("show");
  const close = () => change({ show: null, to: null, steps: null });
  return (
    <>
      {match ? <One key={match.tag} tag={match.tag} /> : <List />}
      {show === "apply" || show === "rollback" ? <PlanDialog key={show} action={show} onClose={close} /> : null}
      {show === "run" ? <RunDialog onClose={close} /> : null}
    </>
  );
}
