// Which keys stay in the view that has the focus: notebooks have commands on plain letters.

const LEAVING = new Set(["Tab", "Escape"]);

/** Whether a key is typed as it is; with a modifier, it is a shortcut of the page around us. */
export const isPlain = (event) => !(event.ctrlKey || event.metaKey || event.altKey);

/** Whether keys write text where they arrive. */
const isField = (element) => element.matches("input, textarea, select");

/**
 * Keep plain keys in a view: `d` `d` would delete the notebook's cell. Keys to leave it (Tab, Escape), to
 * run the cell (Shift+Enter) and all shortcuts with a modifier go on to the page.
 *
 * @param onkey(key) what a key that nothing else in the view used does here; says whether it did something
 */
export function keepKeys(root, onkey = () => false) {
  root.addEventListener("keydown", (event) => {
    if (!isPlain(event) || LEAVING.has(event.key) || (event.key === "Enter" && event.shiftKey)) return;
    event.stopPropagation();
    if (!event.defaultPrevented && !isField(event.target) && onkey(event.key)) event.preventDefault();
  });
}
