/* Keeps the page for when there is no network. The build fills in these three. */
const BUILD = "BUILD_OF_PAGE";
const FILES = ["FILES_OF_PAGE"];
const LARGE_FILES = ["LARGE_FILES_OF_PAGE"]; // which the page fetches and keeps in "fkd-large" itself
const LARGE = "fkd-large";

const SCOPE = self.registration.scope;
const CACHE = `fkd ${SCOPE} ${BUILD}`; // another page of the same site may have its own
const PATIENCE = 3000; // milliseconds after which a network that does not answer is none
const absolute = (file) => new URL(file, SCOPE).href;

self.addEventListener("install", (event) => {
  // A copy that the browser has of an earlier build is no use.
  const fresh = FILES.map((file) => new Request(file, { cache: "no-cache" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(fresh)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOld().then(() => self.clients.claim()));
});

/* What earlier builds kept. */
async function forgetOld() {
  for (const name of await caches.keys()) {
    if (name.startsWith(`fkd ${SCOPE} `) && name !== CACHE) await caches.delete(name);
  }
  const large = await caches.open(LARGE);
  const wanted = LARGE_FILES.map(absolute);
  for (const { url } of await large.keys()) {
    if (url.startsWith(SCOPE) && !wanted.includes(url)) await large.delete(url);
  }
}

/* The network first: what is kept may be older, and the server may be another program by now. */
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && FILES.map(absolute).includes(request.url)) event.respondWith(answer(request));
});

async function answer(request) {
  const fetched = fetch(request);
  const late = new Promise((_, reject) => setTimeout(reject, PATIENCE));
  try {
    return await Promise.race([fetched, late]);
  } catch {
    return (await caches.match(request)) ?? fetched;
  }
}
