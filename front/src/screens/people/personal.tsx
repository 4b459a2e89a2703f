import "../../styles/insight.css";
import { type ReactNode, useState } from "react";
import { address, askFile, useAsk } from "../../api";
import { number } from "../../format";
import { useWrite } from "../../overview";
import { Answer, Badge, Button, Failure, Loading, type Tone } from "../../parts/basic";
import { CopyButton } from "../../parts/clipboard";
import { Dialog } from "../../parts/dialog";
import { saveFile } from "../../parts/saving";
import { say } from "../../parts/toast";
import { personData } from "../../text/person-data";

interface Step {
  table: string;
  rule: "delete" | "anonymise" | "keep";
  rows: number;
  why: string[];
  reason: string | null;
}

interface Exported {
  table: string;
  file: string;
  rows: number;
  masked: string[];
  whole: boolean;
}

interface Proof {
  tables: number;
  rows: number;
  clean: boolean;
  found: { table: string; column: string; what: "id" | "e-mail"; rows: number; keys: string[] }[];
  failed: Record<string, string>;
}

interface Preview {
  steps: Step[];
  files: Exported[];
  quoted: Record<string, number>;
  suspects: string[];
  unknown: string[];
  absent: string[];
  commands: Record<"show" | "erase" | "export" | "history", string>;
}

const words = personData.personal;
const TONES: Record<Step["rule"], Tone> = { delete: "bad", anonymise: "warn", keep: "neutral" };

function Table({ title, heads, children }: { title: string; heads: [title: string, isNumber?: boolean][]; children: ReactNode }) {
  return (
    <div className="scroll-x" role="group" aria-label={title} tabIndex={0}>
      <table className="plain">
        <caption className="hidden">{title}</caption>
        <thead>
          <tr>
            {heads.map(([head, isNumber]) => (
              <th key={head} scope="col" className={isNumber ? "number" : undefined}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

function Steps({ steps }: { steps: Step[] }) {
  const sum = (rule: Step["rule"]) => steps.filter((step) => step.rule === rule).reduce((all, step) => all + step.rows, 0);
  return (
    <section className="panel stack" aria-label={words.erase}>
      <h2>{words.erase}</h2>
      <p>{words.sums(sum("delete"), sum("anonymise"), sum("keep"))}</p>
      <p className="muted">{words.eraseAbout}</p>
      <Table title={words.erase} heads={[[words.table], [words.rows, true], [words.rule], [words.columns]]}>
        {steps.map((step) => (
          <tr key={`${step.table} ${step.rule} ${step.why.join()}`} className={step.rows === 0 ? "muted" : undefined}>
            <td className="mono person-name">{step.table}</td>
            <td className="number">{number(step.rows)}</td>
            <td>
              <Badge tone={step.rows === 0 ? "neutral" : TONES[step.rule]}>{words.rules[step.rule]}</Badge>
            </td>
            <td className="person-why">
              {step.why.map((each) => (
                <div key={each}>{each.startsWith(`${step.table}.`) ? each.slice(step.table.length + 1) : each}</div>
              ))}
              {step.reason ? <div className="muted">{`${words.reason}: ${step.reason}`}</div> : null}
            </td>
          </tr>
        ))}
      </Table>
    </section>
  );
}

function Traces({ userId }: { userId: string }) {
  const [isAsked, setAsked] = useState(false);
  const asked = useAsk<Proof>(isAsked ? address("figures/personal/proof", { user: userId }) : null);
  return (
    <section className="panel stack" aria-label={words.proof}>
      <h2>{words.proof}</h2>
      <p className="muted">{words.proofAbout}</p>
      {!isAsked ? (
        <div>
          <Button onClick={() => setAsked(true)}>{words.proofRun}</Button>
        </div>
      ) : asked.error ? (
        <Failure error={asked.error} onRetry={() => void asked.mutate()} />
      ) : !asked.data ? (
        <>
          <p role="status">{words.proofRunning}</p>
          <Loading lines={2} />
        </>
      ) : (
        <Found proof={asked.data} />
      )}
    </section>
  );
}

function Found({ proof }: { proof: Proof }) {
  const failed = Object.entries(proof.failed);
  return (
    <div className="stack" role="status">
      <p>{(proof.found.length === 0 ? words.proofClean : words.proofLeft)(proof.tables, proof.rows)}</p>
      {proof.found.length > 0 ? (
        <Table title={words.traces} heads={[[words.where], [words.what], [words.rows, true], [words.keys]]}>
          {proof.found.map((each) => (
            <tr key={`${each.table}.${each.column} ${each.what}`}>
              <td className="mono">{`${each.table}.${each.column}`}</td>
              <td>{words.whats[each.what]}</td>
              <td className="number">{number(each.rows)}</td>
              <td className="mono person-why">{each.keys.join(", ")}</td>
            </tr>
          ))}
        </Table>
      ) : null}
      {failed.length > 0 ? (
        <div>
          <p>{words.proofFailed}</p>
          <ul className="person-list">
            {failed.map(([place, reason]) => (
              <li key={place}>{`${place}: ${reason}`}</li>
            ))}
          </ul>
        </div>
      ) : null}
    </div>
  );
}

function Download({ userId }: { userId: string }) {
  const canWrite = useWrite();
  const [state, setState] = useState<"idle" | "asking" | "making">("idle");
  const [error, setError] = useState<unknown>(null);
  const make = async () => {
    setState("making");
    setError(null);
    try {
      const asking = { method: "POST", body: { user: userId } } as const;
      const { name, content } = await askFile("figures/personal/export", asking, "personal-data.zip");
      saveFile(name, content);
      say(words.downloaded);
    } catch (refused) {
      setError(refused);
    }
    setState("idle");
  };
  if (!canWrite) return <p className="muted">{words.downloadReadOnly}</p>;
  return (
    <>
      <div>
        <Button disabled={state !== "idle"} onClick={() => setState("asking")}>
          {state === "making" ? words.downloading : words.download}
        </Button>
      </div>
      {error ? <Failure error={error} /> : null}
      {state === "asking" ? (
        <Dialog
          title={words.confirm}
          onClose={() => setState("idle")}
          actions={
            <>
              <Button onClick={() => setState("idle")}>{words.cancel}</Button>
              <Button kind="primary" onClick={() => void make()}>
                {words.download}
              </Button>
            </>
          }
        >
          <p>{words.confirmText}</p>
        </Dialog>
      ) : null}
    </>
  );
}

function Files({ userId, files, quoted }: { userId: string; files: Exported[]; quoted: Record<string, number> }) {
  return (
    <section className="panel stack" aria-label={words.export}>
      <h2>{words.export}</h2>
      <p>{words.exportAbout(files.reduce((all, file) => all + file.rows, 0))}</p>
      <Table title={words.export} heads={[[words.table], [words.rows, true], [words.file], [words.masked]]}>
        {files.map((file) => (
          <tr key={file.file} className={file.rows === 0 ? "muted" : undefined}>
            <td className="mono person-name">{file.table}</td>
            <td className="number">{number(file.rows)}</td>
            <td>
              <span className="mono">{file.file}</span>{" "}
              {file.whole ? null : <Badge title={words.partlyHint}>{words.partly}</Badge>}
            </td>
            <td className="mono">{file.masked.join(", ") || <span className="muted">{words.none}</span>}</td>
          </tr>
        ))}
      </Table>
      {Object.entries(quoted).map(([table, rows]) => (
        <p key={table} className="muted">
          {words.quoted(rows, table)}
        </p>
      ))}
      <Download userId={userId} />
    </section>
  );
}

function Commands({ commands }: { commands: Preview["commands"] }) {
  const names = ["show", "export", "erase", "history"] as const;
  return (
    <section className="panel stack" aria-label={words.commands}>
      <h2>{words.commands}</h2>
      <p className="muted">{words.commandsAbout}</p>
      <dl className="person-commands">
        {names.map((name) => (
          <div key={name} className="person-command">
            <dt>{words.commandNames[name]}</dt>
            <dd>
              <code>{commands[name]}</code>
              <CopyButton text={commands[name]} label={words.copy(words.commandNames[name])} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Names({ about, names }: { about: string; names: string[] }) {
  if (names.length === 0) return null;
  return (
    <div>
      <p>{about}</p>
      <ul className="person-list mono">
        {names.map((name) => (
          <li key={name}>{name}</li>
        ))}
      </ul>
    </div>
  );
}

/** What erasing and exporting this person would touch. Both are done in a terminal. */
export default function PersonalTab({ userId }: { userId: string }) {
  const asked = useAsk<Preview>(address("figures/personal", { user: userId }));
  return (
    <section className="stack" aria-label={words.title}>
      <p className="muted">{words.about}</p>
      <Answer of={asked} lines={12}>
        {(data) => (
          <>
            <Steps steps={data.steps} />
            <Traces userId={userId} />
            <Files userId={userId} files={data.files} quoted={data.quoted} />
            <Commands commands={data.commands} />
            <Names about={words.suspects} names={data.suspects} />
            <Names about={words.absent} names={data.absent} />
            <Names about={words.unknown} names={data.unknown} />
          </>
        )}
      </Answer>
    </section>
  );
}
