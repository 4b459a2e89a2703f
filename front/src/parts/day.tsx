import { useEffect, useRef, useState } from "react";

/** Whether a text is a day. A year that is being typed begins as 0002: such days nobody means. */
export const isDay = (text: string): boolean => /^[12]\d{3}-\d{2}-\d{2}$/.test(text);

interface DayProps {
  label: string;
  value: string;
  className: string;
  isWrong?: boolean;
  /** Told of whole days, and of nothing where it is emptied. */
  onChange: (day: string) => void;
}

/** A field for a day, with its label. */
export function Day({ label, value, className, isWrong = false, onChange }: DayProps) {
  const [typed, setTyped] = useState(value);
  const sent = useRef(value);
  useEffect(() => {
    // What comes from elsewhere, such as by the way back; not what was told from here a moment ago.
    if (value !== sent.current) setTyped(value);
    sent.current = value;
  }, [value]);
  return (
    <label className={className}>
      <span>{label}</span>
      <input
        type="date"
        value={typed}
        aria-invalid={isWrong || undefined}
        onChange={(event) => {
          const day = event.target.value;
          setTyped(day);
          if (!isDay(day) && (day !== "" || event.target.validity.badInput)) return;
          sent.current = day;
          onChange(day);
        }}
      />
    </label>
  );
}
