import { type KeyNote, useKnownCommands, useKnownNotes } from "./commands";
import { Keys } from "./palette";
import { Dialog } from "./parts/dialog";
import { palette as text } from "./text/palette";

/** Every key that does something now, by group. */
export function Shortcuts({ onClose }: { onClose: () => void }) {
  const commands = useKnownCommands().flatMap(({ title, group, keys }): KeyNote[] => (keys ? [{ title, group, keys }] : []));
  const groups = Map.groupBy([...useKnownNotes(), ...commands], (command) => command.group);
  return (
    <Dialog title={text.shortcuts} onClose={onClose}>
      <p className="muted">{text.shortcutsAbout}</p>
      <div className="shortcuts">
        {[...groups].map(([group, members]) => (
          <section key={group} aria-label={group}>
            <h3>{group}</h3>
            <dl>
              {members.map((command) => (
                <div key={`${command.title} ${command.keys}`} className="shortcut">
                  <dt>{command.title}</dt>
                  <dd>
                    <Keys keys={command.keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
