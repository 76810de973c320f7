import type { ComponentChildren } from "preact";

interface TabsProps {
  readonly names: readonly string[];
  readonly selected: string;
  readonly onSelect: (name: string) => void;
  readonly children: ComponentChildren;
}

/** Tabs as one expects them: one stop for the tab key, arrows between them. */
export function Tabs({ names, selected, onSelect, children }: TabsProps) {
  const move = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    const next = (names.indexOf(selected) + by + names.length) % names.length;
    onSelect(names[next]);
    (event.currentTarget.children[next] as HTMLElement).focus();
    event.preventDefault();
  };
  return (
    <>
      <div role="tablist" aria-label="What to list" class="tabs" onKeyDown={move}>
        {names.map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`tab-${name}`}
            aria-selected={name === selected}
            aria-controls="tab-panel"
            tabIndex={name === selected ? 0 : -1}
            onClick={() => onSelect(name)}
          >
            {name}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="tab-panel" aria-labelledby={`tab-${selected}`} class="tab-panel">
        {children}
      </div>
    </>
  );
}
