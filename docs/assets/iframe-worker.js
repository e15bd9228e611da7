// A page opened from a file may start no worker; the search then works in a hidden frame instead.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.waiting = [];
      window.addEventListener("message", (event) => {
        if (event.source !== this.frame.contentWindow) return;
        const copy = new MessageEvent("message", { data: event.data });
        this.dispatchEvent(copy);
        if (this.onmessage) this.onmessage(copy);
      });
      this.frame.addEventListener("load", () => {
        const waiting = this.waiting;
        this.waiting = null;
        waiting.forEach((message) => this.postMessage(message));
      });
      this.frame.srcdoc =
        "<script>" +
        "postMessage = (data) => parent.postMessage(data, '*');" +
        "importScripts = (...urls) => urls.reduce((done, url) => done.then(() => new Promise(" +
        "(resolve, reject) => { const script = document.createElement('script');" +
        "script.src = url; script.onload = resolve; script.onerror = reject;" +
        "document.head.append(script); })), Promise.resolve());" +
        "</scr" + "ipt><script src='" + new URL(url, location.href) + "'></scr" + "ipt>";
      document.body.append(this.frame);
    }
    postMessage(message) {
      if (this.waiting) this.waiting.push(message);
      else this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data: message }));
    }
    terminate() {
      this.frame.remove();
    }
  };
}
