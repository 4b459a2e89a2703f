import { useKnownCommands } from "./commands";
import { Keys } from "./palette";
import { Dialog } from "./parts/dialog";
import { palette as text } from "./text/palette";

/** Every key that does something now, by group. */
export function Shortcuts({ onClose }: { onClose: () => void }) {
  const commands = useKnownCommands().filter((command) => command.keys);
  const groups = Map.groupBy(commands, (command) => command.group);
  return (
    <Dialog title={text.shortcuts} onClose={onClose}>
      <p className="muted">{text.shortcutsAbout}</p>
      <div className="shortcuts">
        {[...groups].map(([group, members]) => (
          <section key={group} aria-label={group}>
            <h3>{group}</h3>
            <dl>
              {members.map((command) => (
                <div key={command.id} className="shortcut">
                  <dt>{command.title}</dt>
                  <dd>
                    <Keys keys={command.keys ?? ""} />
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
