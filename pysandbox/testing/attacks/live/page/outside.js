// The controls: the same code in an ordinary worker or frame of a page without a policy, where nothing is in its way.

const RUN = `
  self.onmessage = async ({ data }) => {
    try {
      postMessage({ open: String(await (0, eval)(data)) });
    } catch (error) {
      postMessage({ refused: String(error) });
    }
  };`;
const PATIENCE_MS = 6000;

const within = (promise, ms, late) =>
  Promise.race([promise, new Promise((resolve) => setTimeout(() => resolve(late), ms))]);

/** `{open}` or `{refused}`: what became of an expression in an ordinary worker. */
export async function inWorker(expression, ms = PATIENCE_MS) {
  const worker = new Worker(URL.createObjectURL(new Blob([RUN], { type: "text/javascript" })));
  try {
    const answer = new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
    worker.postMessage(expression);
    return await within(answer, ms, { refused: "no answer" });
  } finally {
    worker.terminate();
  }
}

/** The same in an ordinary frame of this page, which has a window and a document. */
export async function inFrame(expression) {
  const frame = document.createElement("iframe");
  frame.srcdoc = "<!doctype html><title>an ordinary frame</title>";
  const loaded = new Promise((resolve) => frame.onload = resolve);
  document.body.append(frame);
  await loaded;
  try {
    return { open: String(await within(frame.contentWindow.eval(expression), PATIENCE_MS, "no answer")) };
  } catch (error) {
    return { refused: String(error) };
  } finally {
    frame.remove();
  }
}

/** Whether an ordinary worker that runs `script` is deaf for `ms`. */
export async function isDeaf(script, ms) {
  const source = `onmessage = () => postMessage("pong"); postMessage("up"); setTimeout(() => { ${script} }, 0);`;
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  try {
    await within(new Promise((resolve) => worker.onmessage = resolve), PATIENCE_MS);
    await new Promise((resolve) => setTimeout(resolve, 150));
    const answer = new Promise((resolve) => worker.onmessage = () => resolve(false));
    worker.postMessage("ping");
    return await within(answer, ms, true);
  } finally {
    worker.terminate();
  }
}

/** How many messages of an ordinary worker that runs `script` are heard within `ms`, at most `most`. */
export async function heardFrom(script, ms, most) {
  const worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
  let count = 0;
  await within(new Promise((resolve) => worker.onmessage = () => ++count >= most && resolve()), ms);
  worker.terminate();
  return count;
}
