import { type FormEvent, useState } from "react";
import { ask } from "../../api";
import { Button, Failure } from "../../parts/basic";
import { Dialog } from "../../parts/dialog";
import { say } from "../../parts/toast";
import { sql } from "../../text/sql";
import { type Saved, savedPath } from "./api";

export async function store(name: string, text: string, version: string | null): Promise<Saved> {
  const saved = await ask<Saved>(savedPath(name), { method: "PUT", body: { sql: text, version } });
  say(sql.savedAs(name));
  return saved;
}

/** Ask for the name of a query that has none. */
export function SaveAs({ text, onSaved, onClose }: { text: string; onSaved: (saved: Saved) => void; onClose: () => void }) {
  const [name, setName] = useState("");
  const [error, setError] = useState<unknown>(null);
  const save = (event: FormEvent) => {
    event.preventDefault();
    store(name.trim(), text, null).then(onSaved, setError);
  };
  return (
    <Dialog title={sql.saveAs} onClose={onClose}>
      <form className="stack" onSubmit={save}>
        <label className="stack console-field">
          {sql.name}
          <input autoFocus required maxLength={80} value={name} onChange={(event) => setName(event.target.value)} aria-describedby="console-save-hint" />
        </label>
        <p id="console-save-hint" className="muted">
          {sql.saveHint}
        </p>
        {error ? <Failure error={error} /> : null}
        <Button kind="primary" type="submit">
          {sql.save}
        </Button>
      </form>
    </Dialog>
  );
}
