import "../../styles/search.css";
import { type FormEvent, useEffect, useMemo, useRef, useState } from "react";
import { Link } from "wouter";
import { useParams } from "../../address";
import { address, type Params, useAsk } from "../../api";
import { useCommands } from "../../commands";
import { exactTime, time } from "../../format";
import { Answer, Badge, Button, Empty, Page } from "../../parts/basic";
import { Day } from "../../parts/day";
import { search } from "../../text/search";
import type { Found, Hit } from "./api";
import { Marked } from "./marked";
import { ChoosePerson, ChosenPerson } from "./person";
import { Why } from "./why";

interface ChoiceProps {
  name: string;
  value: string;
  of: Record<string, string>;
  onChoose: (value: string) => void;
}

function Choice({ name, value, of, onChoose }: ChoiceProps) {
  return (
    <label className="search-field">
      <span>{name}</span>
      <select value={value} onChange={(event) => onChoose(event.target.value)}>
        {Object.entries(of).map(([key, title]) => (
          <option key={key} value={key}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}

function Form({ children, takesFocus }: { children?: React.ReactNode; takesFocus: boolean }) {
  const [params, change] = useParams();
  const asked = params.get("q") ?? "";
  const [text, setText] = useState(asked);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => setText(asked), [asked]);
  useEffect(() => {
    if (takesFocus) field.current?.focus();
  }, []);
  useCommands(
    useMemo(
      () => [{ id: "search-another", group: search.group, title: search.another, keys: "/", run: () => field.current?.select() }],
      [],
    ),
  );
  const set = (name: string, keep?: "replace") => (value: string) => change({ [name]: value, after: null }, keep);
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    change({ q: text.trim(), after: null });
  };
  const chat = params.get("chat");
  return (
    <form role="search" className="search-form" onSubmit={onSubmit}>
      {children}
      <div className="search-line">
        <input
          ref={field}
          type="search"
          aria-label={search.query}
          placeholder={search.queryHint}
          value={text}
          maxLength={1000}
          autoComplete="off"
          onChange={(event) => setText(event.target.value)}
        />
        <Button kind="primary" type="submit">
          {search.go}
        </Button>
      </div>
      <div className="search-filters">
        <Choice name={search.order} value={params.get("order") ?? "relevance"} of={search.orders} onChoose={set("order")} />
        <Choice name={search.fields} value={params.get("in") ?? ""} of={search.fieldNames} onChoose={set("in")} />
        <Choice name={search.role} value={params.get("role") ?? ""} of={search.roles} onChoose={set("role")} />
        <Day className="search-field" label={search.since} value={params.get("since") ?? ""} onChange={set("since", "replace")} />
        <Day className="search-field" label={search.until} value={params.get("until") ?? ""} onChange={set("until", "replace")} />
      </div>
      {chat ? (
        <p className="row">
          <Badge tone="accent">{search.onlyChat}</Badge>
          <code>{chat}</code>
          <Button kind="quiet" onClick={() => change({ chat: null, after: null })}>
            {search.allChats}
          </Button>
        </p>
      ) : null}
    </form>
  );
}

function HitShown({ hit }: { hit: Hit }) {
  const isTitle = hit.messageId === null;
  return (
    <li className="search-hit">
      <p className="search-hit-title">
        <Link href={address(`/chats/${encodeURIComponent(hit.chatId)}`, { message: hit.messageId })} dir="auto">{hit.chatTitle || hit.chatId}</Link>
      </p>
      <p className="search-snippet" dir="auto">
        <Marked text={hit.snippet} highlights={hit.highlights} />
      </p>
      <p className="search-about muted">
        <Badge tone={isTitle ? "accent" : "neutral"}>{isTitle ? search.inTitle : (search.roles[hit.role ?? ""] ?? hit.role)}</Badge>
        <time dateTime={hit.createdAt} title={exactTime(hit.createdAt)}>
          {time(hit.createdAt)}
        </time>
        {hit.rank ? <span title={search.rankHint}>{search.rank(hit.rank.toFixed(2))}</span> : null}
      </p>
    </li>
  );
}

function Results({ found, of }: { found: Found; of: Params }) {
  const [params, change] = useParams();
  const order = params.get("order") ?? "relevance";
  return (
    <div className="stack">
      <Why read={found.read} order={order} planPath={address("search/plan", { ...of, after: null })} />
      {found.items.length ? (
        <ol className="search-hits" aria-label={search.results}>
          {found.items.map((hit) => (
            <HitShown key={`${hit.chatId} ${hit.messageId ?? ""}`} hit={hit} />
          ))}
        </ol>
      ) : (
        <Empty title={search.none}>{search.noneHint}</Empty>
      )}
      <div className="row">
        {params.get("after") ? <Button onClick={() => change({ after: null })}>{search.first}</Button> : null}
        {found.after ? <Button onClick={() => change({ after: found.after })}>{search.more}</Button> : null}
      </div>
    </div>
  );
}

const FILTERS = ["user", "q", "order", "in", "role", "since", "until", "chat", "after"];

export default function Screen() {
  const [params, change] = useParams();
  const user = params.get("user");
  const of: Params = Object.fromEntries(FILTERS.map((name) => [name, params.get(name)]));
  // Who was chosen here, or is to be chosen anew: the button for it is gone, and one goes on typing.
  const [isTurned, setTurned] = useState(false);
  const turn = (changes: Parameters<typeof change>[0]) => {
    setTurned(true);
    change(changes);
  };
  const found = useAsk<Found>(user && of["q"] ? address("search", of) : null, { keepPreviousData: false });
  return (
    <Page title={search.title}>
      {user ? (
        <Form takesFocus={isTurned}>
          <ChosenPerson id={user} onOther={() => turn({ user: null, chat: null, after: null })} />
        </Form>
      ) : (
        <ChoosePerson takesFocus={isTurned} onChoose={(id) => turn({ user: id })} />
      )}
      {user && of["q"] ? (
        <Answer of={found} lines={10}>
          {(found) => <Results found={found} of={of} />}
        </Answer>
      ) : null}
      {user && !of["q"] ? <Empty title={search.start}>{search.startHint}</Empty> : null}
    </Page>
  );
}
