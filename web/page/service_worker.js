/* Keeps the page for when there is no network. The build fills in these three. */
const CACHE = "fkd-VERSION_OF_BUILD";
const FILES = ["FILES_OF_BUILD"];
const LARGE_FILES = ["LARGE_FILES_OF_BUILD"]; // which the page fetches and keeps in "fkd-large" itself
const LARGE = "fkd-large";

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOld().then(() => self.clients.claim()));
});

/* What earlier builds kept. */
async function forgetOld() {
  for (const name of await caches.keys()) {
    if (name.startsWith("fkd-") && name !== CACHE && name !== LARGE) await caches.delete(name);
  }
  const large = await caches.open(LARGE);
  const wanted = LARGE_FILES.map((file) => new URL(file, self.registration.scope).href);
  for (const request of await large.keys()) if (!wanted.includes(request.url)) await large.delete(request);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(self.registration.scope)) return;
  event.respondWith(caches.match(request).then((kept) => kept ?? fetch(request)));
});
