/** What the page's side says of each drawing of a file of JSON: nothing, or why it is none. */
import { checked } from "../../web/ui_check.ts";

const drawings: unknown[] = JSON.parse(await Deno.readTextFile(Deno.args[0]));
console.log(JSON.stringify(drawings.map((drawing) => {
  try {
    checked(drawing);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
})));
