import { type FormEvent, useEffect, useMemo, useRef, useState } from "react";
import { Link } from "wouter";
import { useParams } from "../../address";
import { address, useAsk } from "../../api";
import { useCommands } from "../../commands";
import { ago, exactTime, time } from "../../format";
import { Answer, Button, Empty, Page } from "../../parts/basic";
import { people } from "../../text/people";
import type { PeoplePage, PersonLine } from "./api";

const PATIENCE = 200; // milliseconds after a key before the server is asked

function Row({ person }: { person: PersonLine }) {
  return (
    <tr>
      <td>
        <Link href={`/people/${encodeURIComponent(person.id)}`}>{person.email}</Link>
        <span className="people-under muted">{person.name}</span>
      </td>
      <td className="people-wide">{person.name}</td>
      <td className="people-wide">
        <time dateTime={person.created_at} title={exactTime(person.created_at)}>
          {time(person.created_at)}
        </time>
      </td>
      <td>
        {person.active_at ? (
          <time dateTime={person.active_at} title={exactTime(person.active_at)}>
            {ago(person.active_at)}
          </time>
        ) : (
          <span className="muted">{people.never}</span>
        )}
      </td>
    </tr>
  );
}

function Notes({ page, text }: { page: PeoplePage; text: string }) {
  const [, change] = useParams();
  if (!text) return page.few || page.order !== "email" ? null : <p className="muted">{people.byEmail}</p>;
  return (
    <>
      {page.reach === "beginnings" ? (
        <p className="row muted">
          {people.beginnings}
          <Button title={people.everywhereHint} onClick={() => change({ everywhere: "1" })}>
            {people.everywhere}
          </Button>
        </p>
      ) : null}
      {page.more ? <p className="muted">{people.more}</p> : null}
    </>
  );
}

function Table({ page, text, cursor }: { page: PeoplePage; text: string; cursor: string | null }) {
  const [, change] = useParams();
  const isEmpty = !page.items.length;
  return (
    <div className="stack">
      <Notes page={page} text={text} />
      {isEmpty && text ? <Empty title={people.none}>{people.noneHint}</Empty> : null}
      {isEmpty && !text ? <Empty title={people.nobody}>{people.nobodyHint}</Empty> : null}
      {isEmpty ? null : (
        <table className="plain people-table">
          <thead>
            <tr>
              <th scope="col">{people.email}</th>
              <th scope="col" className="people-wide">
                {people.name}
              </th>
              <th scope="col" className="people-wide">
                {people.came}
              </th>
              <th scope="col">{people.active}</th>
            </tr>
          </thead>
          <tbody>
            {page.items.map((person) => (
              <Row key={person.id} person={person} />
            ))}
          </tbody>
        </table>
      )}
      {page.next_cursor || cursor ? (
        <div className="row">
          <Button disabled={!cursor} onClick={() => change({ cursor: null })}>
            {people.firstPage}
          </Button>
          <Button disabled={!page.next_cursor} onClick={() => change({ cursor: page.next_cursor })}>
            {people.next}
          </Button>
        </div>
      ) : null}
    </div>
  );
}

/** A field that asks as somebody types, a moment after the last key. */
function Finder({ text, onFind }: { text: string; onFind: (text: string) => void }) {
  const [value, setValue] = useState(text);
  const sent = useRef(text);
  const field = useRef<HTMLInputElement>(null);
  useCommands(
    useMemo(() => [{ id: "people-find", group: people.group, title: people.find, keys: "/", run: () => field.current?.focus() }], []),
  );
  useEffect(() => {
    if (text !== sent.current) setValue(text);
    sent.current = text;
  }, [text]);
  useEffect(() => {
    if (value.trim() === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = value.trim();
      onFind(value.trim());
    }, PATIENCE);
    return () => clearTimeout(timer);
  }, [value, onFind]);
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    sent.current = value.trim();
    onFind(value.trim());
  };
  return (
    <form role="search" onSubmit={onSubmit} className="people-find">
      <input
        ref={field}
        type="search"
        aria-label={people.find}
        placeholder={people.findHint}
        value={value}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setValue(event.target.value)}
      />
    </form>
  );
}

export function PeopleList() {
  const [params, change] = useParams();
  const text = params.get("q") ?? "";
  const cursor = params.get("cursor");
  const everywhere = params.get("everywhere");
  const asked = useAsk<PeoplePage>(
    text ? address("people", { q: text, everywhere }) : address("people", { order: params.get("order"), cursor }),
  );
  const order = asked.data?.order ?? params.get("order") ?? "newest";
  return (
    <Page title={people.title}>
      <div className="row">
        <Finder text={text} onFind={(q) => change({ q, cursor: null, everywhere: null }, "replace")} />
        {text ? null : (
          <select
            aria-label={people.order}
            value={order}
            onChange={(event) => change({ order: event.target.value, cursor: null })}
          >
            {Object.entries(people.orders).map(([value, title]) => (
              <option key={value} value={value} disabled={value === "active" && asked.data?.few === false}>
                {title}
              </option>
            ))}
          </select>
        )}
      </div>
      <Answer of={asked} lines={12}>
        {(page) => <Table page={page} text={text} cursor={cursor} />}
      </Answer>
    </Page>
  );
}
