/** Marks what somebody else has changed, for a moment. */
export function flash(changed: HTMLElement): void {
  changed.classList.remove('is-changed');
  // Only a style that was computed without the class begins the animation again.
  changed.getBoundingClientRect();
  changed.classList.add('is-changed');
}
