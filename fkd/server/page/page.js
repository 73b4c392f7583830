/* empty css                      */
// src/io/images.ts
/** Reading pictures, with what the browser decodes. Twin of fkd/io/images.py. */
/** The pixels of the first picture of a file, turned as it was held, what is transparent on white,
* and without conversion between colour spaces, as in Python. Rejects for what this browser does not
* read. */
async function readImage(file) {
	const picture = await createImageBitmap(file, {
		colorSpaceConversion: "none",
		imageOrientation: "from-image"
	});
	const { width, height } = picture;
	const pen = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
	if (!pen) throw new Error(`a picture of ${width}x${height} pixels is too large for this browser`);
	pen.fillStyle = "#fff";
	pen.fillRect(0, 0, width, height);
	pen.drawImage(picture, 0, 0);
	picture.close();
	return pen.getImageData(0, 0, width, height);
}
// src/models/simd.ts
/** What the networks need of a browser. */
var WITH_SIMD = new Uint8Array([
	0,
	97,
	115,
	109,
	1,
	0,
	0,
	0,
	1,
	5,
	1,
	96,
	0,
	1,
	123,
	3,
	2,
	1,
	0,
	10,
	10,
	1,
	8,
	0,
	65,
	0,
	253,
	15,
	253,
	98,
	11
]);
/** Whether networks can be run here: they need WebAssembly with SIMD. */
function hasSimd() {
	return typeof WebAssembly === "object" && WebAssembly.validate(WITH_SIMD);
}
// page/engine.ts
/** The pixels of a canvas. */
function pixelsOf(canvas) {
	return canvas.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, canvas.width, canvas.height);
}
// page/device_engine.ts
var DeviceEngine = class {
	label = "this device";
	promise = "68 facial keypoints, live. Pictures never leave this device.";
	models = ["nano", "base"];
	#worker = new Worker(new URL(`device/worker-30708da1391d.js`, document.baseURI), { type: "module" });
	#waiting = /* @__PURE__ */ new Map();
	#asked = 0;
	#broken = null;
	constructor() {
		this.#worker.onmessage = ({ data: { number, answer, error } }) => {
			const waiting = this.#waiting.get(number);
			this.#waiting.delete(number);
			if (error === void 0) waiting?.resolve(answer);
			else waiting?.reject(new Error(error));
		};
		this.#worker.onerror = ({ message }) => {
			this.#broken = new Error(message || "what computes on this device cannot be loaded");
			for (const { reject } of this.#waiting.values()) reject(this.#broken);
			this.#waiting.clear();
		};
	}
	/** Loads a model, so that the first picture does not wait for it. */
	async open(model) {
		await this.#ask({
			what: "open",
			model
		});
	}
	async notice() {
		return null;
	}
	async photo(file, name, image, wanted) {
		const asked = {
			what: "photo",
			name,
			image,
			wanted,
			several: await hasSeveralPictures(file)
		};
		return await this.#ask(asked);
	}
	async follow(wanted) {
		await this.#ask({
			what: "follow",
			wanted
		});
		let frame = 0, before = 0;
		return {
			next: async (canvas, seconds) => {
				const { data, width, height } = pixelsOf(canvas);
				const passed = frame ? Math.max(seconds - before, .001) : 0;
				before = seconds;
				const asked = {
					what: "frame",
					image: {
						data,
						width,
						height
					},
					frame: frame++,
					seconds,
					passed
				};
				return await this.#ask(asked, [data.buffer]);
			},
			stop: () => void 0
		};
	}
	#ask(asked, moved = []) {
		if (this.#broken) return Promise.reject(this.#broken);
		const number = this.#asked++;
		return new Promise((resolve, reject) => {
			this.#waiting.set(number, {
				resolve,
				reject
			});
			this.#worker.postMessage({
				number,
				asked
			}, moved);
		});
	}
};
/** Whether a file has more pictures than the first, as far as this browser tells. */
async function hasSeveralPictures(file) {
	if (typeof ImageDecoder !== "function") return false;
	const decoder = new ImageDecoder({
		data: file.stream(),
		type: file.type
	});
	try {
		await decoder.tracks.ready;
		await decoder.completed;
		return (decoder.tracks.selectedTrack?.frameCount ?? 1) > 1;
	} catch {
		return false;
	} finally {
		decoder.close();
	}
}
// page/elements.ts
/** The elements of the page by their ids. */
function byId(id, kind) {
	const element = document.getElementById(id);
	if (!(element instanceof kind)) throw new Error(`#${id} is missing`);
	return element;
}
var el = {
	promise: byId("promise", HTMLParagraphElement),
	stage: byId("stage", HTMLDivElement),
	view: byId("view", HTMLCanvasElement),
	video: byId("video", HTMLVideoElement),
	message: byId("message", HTMLParagraphElement),
	camera: byId("camera", HTMLButtonElement),
	pause: byId("pause", HTMLButtonElement),
	file: byId("file", HTMLInputElement),
	savePicture: byId("save-picture", HTMLButtonElement),
	saveJson: byId("save-json", HTMLButtonElement),
	points: byId("points", HTMLInputElement),
	contours: byId("contours", HTMLInputElement),
	numbers: byId("numbers", HTMLInputElement),
	mirror: byId("mirror", HTMLInputElement),
	chipsShown: byId("chips-shown", HTMLInputElement),
	leftOut: byId("left-out", HTMLParagraphElement),
	engineChoice: byId("engine-choice", HTMLLabelElement),
	engine: byId("engine", HTMLSelectElement),
	model: byId("model", HTMLSelectElement),
	minFace: byId("min-face", HTMLInputElement),
	smooth: byId("smooth", HTMLInputElement),
	licence: byId("licence", HTMLParagraphElement),
	chips: byId("chips", HTMLElement),
	found: byId("found", HTMLElement),
	faces: byId("faces", HTMLTableSectionElement),
	figures: byId("figures", HTMLDListElement),
	offline: byId("offline", HTMLParagraphElement),
	serverLinks: byId("server-links", HTMLElement)
};
// page/moving.ts
/** Moving pictures: the camera, or a video file, in the page's <video>. */
var CAMERA = {
	width: { ideal: 640 },
	height: { ideal: 480 },
	facingMode: "user"
};
var LONGEST_SIDE = 1280;
var NO_CAMERA = "No camera here: browsers give it only to pages on https or localhost.";
/** Starts the camera. Rejects with a sentence that says why it cannot. */
async function openCamera(video) {
	if (!navigator.mediaDevices) throw new Error(NO_CAMERA);
	let stream;
	try {
		stream = await navigator.mediaDevices.getUserMedia({ video: CAMERA });
	} catch (error) {
		throw new Error(error.name === "NotAllowedError" ? "Camera access was refused; allow it in the browser's settings for this page." : "No camera can be used.");
	}
	const stop = () => {
		stream.getTracks().forEach((track) => track.stop());
		video.srcObject = null;
	};
	try {
		video.srcObject = stream;
		await video.play();
	} catch {
		stop();
		throw new Error("The camera gives no picture.");
	}
	return {
		kind: "camera",
		video,
		stop
	};
}
/** Starts a video file. Rejects with a sentence that says why it cannot. */
async function openVideo(video, file) {
	const address = URL.createObjectURL(file);
	const stop = () => {
		video.pause();
		video.removeAttribute("src");
		video.load();
		URL.revokeObjectURL(address);
	};
	try {
		video.src = address;
		await video.play();
	} catch {
		stop();
		throw new Error(`${file.name} is not a video that this browser can show.`);
	}
	return {
		kind: "video",
		video,
		stop
	};
}
/** The frames of a moving picture, each drawn when it is asked for; one that was not asked for in
* time is passed over. */
var Frames = class {
	moving;
	#canvases = [document.createElement("canvas"), document.createElement("canvas")];
	#arrived = false;
	#ended = false;
	#wake = null;
	constructor(moving) {
		this.moving = moving;
		for (const canvas of this.#canvases) canvas.getContext("2d", { willReadFrequently: true });
		this.#listen();
	}
	/** The next frame and its time, seconds; null after `end`. */
	async next() {
		while (!this.#arrived && !this.#ended) await new Promise((resolve) => this.#wake = resolve);
		if (this.#ended) return null;
		this.#arrived = false;
		const { video, kind } = this.moving;
		this.#canvases.reverse();
		const canvas = this.#canvases[0];
		const zoom = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
		const [width, height] = [Math.round(video.videoWidth * zoom), Math.round(video.videoHeight * zoom)];
		if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
		canvas.getContext("2d").drawImage(video, 0, 0, width, height);
		return {
			canvas,
			seconds: kind === "video" ? video.currentTime : performance.now() / 1e3
		};
	}
	end() {
		this.#ended = true;
		this.#wake?.();
	}
	#listen() {
		const { video } = this.moving;
		const again = () => {
			if (this.#ended) return;
			this.#arrived = video.videoWidth > 0;
			this.#wake?.();
			this.#listen();
		};
		if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(again);
		else requestAnimationFrame(again);
	}
};
// page/offline.ts
/** Without a network: the service worker, and what is said of it. */
/** To be called when the first model is there, so that nothing is loaded twice. */
async function keepOffline() {
	if (!("serviceWorker" in navigator)) return;
	try {
		await navigator.serviceWorker.register("./sw.js");
		await navigator.serviceWorker.ready;
	} catch {
		return;
	}
	if (await caches.match(new URL("weights/nano.onnx", document.baseURI), { ignoreSearch: true })) el.offline.textContent = "Works without a network from now on.";
}
// page/server_engine.ts
var WIDEST_FRAME = 640;
var PATIENCE = 5e3;
var SILENT = /* @__PURE__ */ new Error("the server does not respond");
var ServerEngine = class ServerEngine {
	models;
	label = "the server";
	promise = "68 facial keypoints, live. Pictures are sent only to this server, and it does not store them.";
	constructor(models) {
		this.models = models;
	}
	/** The server that this page comes from. Rejects where it does not respond. */
	static async find() {
		const { models } = await asked(fetch(address("v1/model"), { signal: AbortSignal.timeout(PATIENCE) }));
		return new ServerEngine(models);
	}
	async notice(model) {
		return (await asked(fetch(address("v1/model", { model })))).notice;
	}
	photo(file, _name, _picture, wanted) {
		return asked(fetch(address("v1/landmarks", query(wanted)), {
			method: "POST",
			body: file
		}));
	}
	async follow(wanted) {
		const stream = address("v1/stream", {
			...query(wanted),
			smooth: String(wanted.smooth)
		});
		stream.protocol = stream.protocol.replace("http", "ws");
		const socket = new WebSocket(stream);
		await new Promise((resolve, reject) => {
			socket.onopen = resolve;
			socket.onclose = () => reject(SILENT);
		});
		const ended = new Promise((_, reject) => {
			socket.onclose = ({ reason }) => reject(/* @__PURE__ */ new Error(`the stream ended${reason ? `: ${reason}` : ""}`));
		});
		ended.catch(() => void 0);
		const small = document.createElement("canvas");
		const next = async (frame, seconds) => {
			small.width = Math.min(WIDEST_FRAME, frame.width);
			small.height = Math.round(small.width * frame.height / frame.width);
			small.getContext("2d").drawImage(frame, 0, 0, small.width, small.height);
			const answer = new Promise((resolve) => socket.onmessage = resolve);
			socket.send(await new Promise((resolve) => small.toBlob(resolve, "image/jpeg", .85)));
			return {
				seconds,
				...JSON.parse((await Promise.race([answer, ended])).data)
			};
		};
		return {
			next,
			stop: () => socket.close()
		};
	}
};
function address(path, search = {}) {
	const full = new URL(path, document.baseURI);
	full.search = new URLSearchParams(search).toString();
	return full;
}
function query({ model, min_face }) {
	return min_face === null ? { model } : {
		model,
		min_face: String(min_face)
	};
}
/** The JSON that the server answers; its refusal, in its own sentence, as an Error. */
async function asked(answering) {
	const answer = await answering.catch(() => Promise.reject(SILENT));
	const record = await answer.json().catch(() => Promise.reject(SILENT));
	if (!answer.ok) throw new Error(record.error);
	return record;
}
// src/geometry/types.ts
/** Bytes for each pixel: 1 or 4. Throws for an image of another kind. */
function channelsOf({ data, width, height }) {
	const channels = data.length / (width * height);
	if (!(width > 0 && height > 0) || channels !== 1 && channels !== 4) throw new Error(`image: 1 or 4 bytes for each of ${width}x${height} pixels expected, not ${data.length} in all`);
	return channels;
}
/** To the nearest whole number, halves to the even one, as Python rounds. */
function round(value) {
	const floor = Math.floor(value);
	const rest = value - floor;
	if (rest === .5) return floor % 2 === 0 ? floor : floor + 1;
	return rest < .5 ? floor : floor + 1;
}
// src/geometry/boxes.ts
var POINTS_SIDE = .88;
/** Least and greatest x and y of some points. */
function bounds(points) {
	let [left, top, right, bottom] = [
		Infinity,
		Infinity,
		-Infinity,
		-Infinity
	];
	for (const [x, y] of points) {
		left = Math.min(left, x);
		right = Math.max(right, x);
		top = Math.min(top, y);
		bottom = Math.max(bottom, y);
	}
	return [[left, top], [right, bottom]];
}
// src/landmarks.ts
/** The parts of a face, each a line of neighbouring points: the first, one past the last. */
var PARTS = {
	jaw: [0, 17],
	right_brow: [17, 22],
	left_brow: [22, 27],
	nose_bridge: [27, 31],
	nostrils: [31, 36],
	right_eye: [36, 42],
	left_eye: [42, 48],
	outer_lips: [48, 60],
	inner_lips: [60, 68]
};
var CLOSED_PARTS = [
	"right_eye",
	"left_eye",
	"outer_lips",
	"inner_lips"
];
var OUTER_MOUTH_CORNERS = [48, 54];
/** Polylines that draw a face. */
var CONTOURS = Object.entries(PARTS).map(([name, [first, end]]) => [
	first,
	end,
	CLOSED_PARTS.includes(name)
]);
// src/geometry/roll.ts
/** Five points of a face, and how far they say it is turned in the picture's plane. Twin of
* fkd/geometry/roll.py. */
/** Where the five points lie about the centre of the 68 points' bounding square, in sides of the
* reference box. */
var MEAN_FIVE_POINTS = [
	[-.195, -.267],
	[.195, -.267],
	[0, -.048],
	[-.169, .135],
	[.169, .135]
];
function meanOf(points) {
	let [x, y] = [0, 0];
	for (const point of points) {
		x += point[0];
		y += point[1];
	}
	return [x / points.length, y / points.length];
}
/** In single precision, as numpy adds: face chips are then cut to the bit as Python's. */
function singleMean(points) {
	const along = (axis) => Math.fround(points.reduce((sum, point) => Math.fround(sum + point[axis]), 0) / points.length);
	return [along(0), along(1)];
}
/** The right and the left eye's centre, the nose tip, the right and the left mouth corner. */
function fivePoints(points) {
	return [...[PARTS.right_eye, PARTS.left_eye].map((eye) => singleMean(points.slice(...eye))), ...[30, ...OUTER_MOUTH_CORNERS].map((i) => points[i])];
}
// src/geometry/chip_templates.ts
/** Templates of face chips: where which points of a face come to lie. Twin of
* fkd/geometry/chip_templates.py. */
var ARCFACE_SIZE = 112;
/** The templates by name. */
var TEMPLATES = {
	eyes: {
		pointsOf: (points) => fivePoints(points).slice(0, 2),
		places: MEAN_FIVE_POINTS.slice(0, 2).map(([x, y]) => [.5 + x / POINTS_SIDE, .5 + y / POINTS_SIDE]),
		margin: .25,
		errorInPhoto: false
	},
	arcface: {
		pointsOf: fivePoints,
		places: [
			[38.2946, 51.6963],
			[73.5318, 51.5014],
			[56.0252, 71.7366],
			[41.5493, 92.3655],
			[70.7299, 92.2041]
		].map(([x, y]) => [(x + .5) / ARCFACE_SIZE, (y + .5) / ARCFACE_SIZE]),
		margin: 0,
		errorInPhoto: false
	},
	dlib: {
		pointsOf: (points) => [...points.slice(27, 55), ...points.slice(60, 65)],
		places: [
			[.490127, .203352],
			[.490127, .307009],
			[.490127, .409805],
			[.490127, .515625],
			[.36688, .587326],
			[.426036, .609345],
			[.490127, .628106],
			[.554217, .609345],
			[.613373, .587326],
			[.121737, .216423],
			[.187122, .178758],
			[.265825, .179852],
			[.334606, .231733],
			[.260918, .245099],
			[.182743, .244077],
			[.645647, .231733],
			[.714428, .179852],
			[.793132, .178758],
			[.858516, .216423],
			[.79751, .244077],
			[.719335, .245099],
			[.254149, .780233],
			[.340985, .745405],
			[.428858, .727388],
			[.490127, .742578],
			[.551395, .727388],
			[.639268, .745405],
			[.726104, .780233],
			[.290379, .784792],
			[.428096, .778746],
			[.490127, .785343],
			[.552157, .778746],
			[.689874, .784792]
		],
		margin: .25,
		errorInPhoto: true
	}
};
// src/opencv/resize.ts
/** Twins of OpenCV's `resize` of bytes, to the bit, as detection and crops call it
* (fkd/detection/neural.py, fkd/geometry/crop.py): INTER_LINEAR and INTER_AREA.
* Source of the arithmetic: OpenCV 4.14, modules/imgproc/src/resize.cpp. */
/** The mean of the area that each new pixel covers; neither side may grow. */
function resizeArea(image, width, height) {
	if (image.width === width && image.height === height) return image;
	if (image.width % width === 0 && image.height % height === 0) return averaged(image, width, height);
	const channels = channelsOf(image);
	const length = width * channels;
	const across = areaWeights(image.width, width), down = areaWeights(image.height, height);
	const data = new Uint8Array(length * height);
	const line = new Float32Array(length), sum = new Float32Array(length);
	let done = 0;
	const write = () => {
		for (let i = 0; i < length; i++) data[done * length + i] = round(sum[i]);
		sum.fill(0);
	};
	for (const [to, from, weight] of down) {
		if (to !== done) {
			write();
			done = to;
		}
		line.fill(0);
		const start = from * image.width * channels;
		for (const [x, old, part] of across) for (let c = 0; c < channels; c++) {
			const at = x * channels + c;
			line[at] = line[at] + Math.fround(image.data[start + old * channels + c] * part);
		}
		for (let i = 0; i < length; i++) sum[i] = sum[i] + Math.fround(weight * line[i]);
	}
	write();
	return {
		data,
		width,
		height
	};
}
/** New place, old place, weight of the old one. */
function areaWeights(from, to) {
	const scale = from / to;
	const weights = [];
	for (let i = 0; i < to; i++) {
		const low = i * scale, high = low + scale;
		const cell = Math.min(scale, from - low);
		const last = Math.min(Math.floor(high), from - 1);
		const first = Math.min(Math.ceil(low), last);
		if (first - low > .001) weights.push([
			i,
			first - 1,
			Math.fround((first - low) / cell)
		]);
		for (let j = first; j < last; j++) weights.push([
			i,
			j,
			Math.fround(1 / cell)
		]);
		if (high - last > .001) weights.push([
			i,
			last,
			Math.fround(Math.min(Math.min(high - last, 1), cell) / cell)
		]);
	}
	return weights;
}
/** Where a new pixel covers whole old ones. */
function averaged(image, width, height) {
	const channels = channelsOf(image);
	const columns = image.width / width, rows = image.height / height;
	const stride = image.width * channels;
	const share = Math.fround(1 / (columns * rows));
	const data = new Uint8Array(width * height * channels);
	let at = 0;
	for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) for (let c = 0; c < channels; c++, at++) {
		let sum = 0;
		for (let row = 0; row < rows; row++) {
			let from = (y * rows + row) * stride + x * columns * channels + c;
			for (let column = 0; column < columns; column++, from += channels) sum += image.data[from];
		}
		data[at] = columns === 2 && rows === 2 ? sum + 2 >> 2 : round(Math.fround(sum * share));
	}
	return {
		data,
		width,
		height
	};
}
// src/opencv/warp.ts
/** Twin of OpenCV's `warpAffine` of bytes with INTER_LINEAR and black outside, to the bit, as
* fkd/geometry/crop.py calls it. Source of the arithmetic: OpenCV 4.14,
* modules/imgproc/src/imgwarp.cpp: places in 1/32 of a pixel, from steps in 1/1024. */
/** The square of `size` pixels whose pixel (x, y) shows what `matrix` takes there. */
function warpAffine(image, matrix, size) {
	const channels = channelsOf(image);
	const { data: old, width, height } = image;
	const [a, b, right, d, e, below] = inverted(matrix);
	const data = new Uint8Array(size * size * channels);
	const stepX = Int32Array.from({ length: size }, (_, x) => round(a * x * 1024));
	const stepY = Int32Array.from({ length: size }, (_, x) => round(d * x * 1024));
	const at = (x, y, c) => x >= 0 && y >= 0 && x < width && y < height ? old[(y * width + x) * channels + c] : 0;
	let to = 0;
	for (let y = 0; y < size; y++) {
		const startX = round((b * y + right) * 1024) + 16;
		const startY = round((e * y + below) * 1024) + 16;
		for (let x = 0; x < size; x++) {
			const placeX = startX + stepX[x] >> 5, placeY = startY + stepY[x] >> 5;
			const column = placeX >> 5, row = placeY >> 5;
			const partX = placeX & 31, partY = placeY & 31;
			for (let c = 0; c < channels; c++, to++) {
				const upper = at(column, row, c) * (32 - partX) + at(column + 1, row, c) * partX;
				const lower = at(column, row + 1, c) * (32 - partX) + at(column + 1, row + 1, c) * partX;
				data[to] = upper * (32 - partY) + lower * partY + 512 >> 10;
			}
		}
	}
	return {
		data,
		width: size,
		height: size
	};
}
/** In the order of OpenCV's operations. */
function inverted([a, b, right, d, e, below]) {
	const determinant = a * e - b * d;
	const factor = determinant === 0 ? 0 : 1 / determinant;
	const [a1, b1, d1, e1] = [
		e * factor,
		b * -factor,
		d * -factor,
		a * factor
	];
	return [
		a1,
		b1,
		-a1 * right - b1 * below,
		d1,
		e1,
		-d1 * right - e1 * below
	];
}
// src/geometry/crop.ts
/** From a photo and a box to the crop that the network sees, and back. Twin of
* fkd/geometry/crop.py: the same bytes. */
/** The square of a photo, scaled to `size` pixels. centre, side: photo pixels. angle: degrees that
* the photo is turned counter-clockwise in the crop. */
function cutSquare(image, centre, side, size, angle) {
	const turn = angle * Math.PI / 180;
	const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
	const shrink = Math.max(1, Math.floor(side / size));
	const reach = side / 2 * (Math.abs(cos) + Math.abs(sin));
	const left = Math.floor(centre[0] - reach) - shrink;
	const top = Math.floor(centre[1] - reach) - shrink;
	const cells = Math.ceil((2 * reach + 2) / shrink) + 2;
	let region = cut(image, left, top, cells * shrink);
	if (shrink > 1) region = resizeArea(region, cells, cells);
	const zoom = size / side;
	const [c, s] = [zoom * cos, zoom * sin];
	const middle = (size - 1) / 2;
	const inX = (centre[0] - left - (shrink - 1) / 2) / shrink;
	const inY = (centre[1] - top - (shrink - 1) / 2) / shrink;
	const [cs, ss] = [c * shrink, s * shrink];
	const warp = [
		cs,
		ss,
		middle - (cs * inX + ss * inY),
		-ss,
		cs,
		middle - (-ss * inX + cs * inY)
	];
	const [x, y] = centre;
	const transform = [
		c,
		s,
		middle - (c * x + s * y),
		-s,
		c,
		middle - (-s * x + c * y)
	];
	return {
		pixels: warpAffine(region, warp, size),
		transform
	};
}
/** The square with its corner at (x, y), padded with black where it leaves the photo. */
function cut(image, x, y, side) {
	const channels = channelsOf(image);
	const data = new Uint8Array(side * side * channels);
	const left = Math.max(x, 0), right = Math.min(x + side, image.width);
	const bottom = Math.min(y + side, image.height);
	for (let row = Math.max(y, 0); row < bottom && left < right; row++) {
		const from = row * image.width;
		const pixels = image.data.subarray((from + left) * channels, (from + right) * channels);
		data.set(pixels, ((row - y) * side + left - x) * channels);
	}
	return {
		data,
		width: side,
		height: side
	};
}
// src/inference/chip.ts
/** Face chips: faces cut out upright, with their points on the places of a template. Twin of
* fkd/inference/chip.py and fkd/geometry/chip.py. */
var MAX_SIZE = 4096;
var MAX_MARGIN = 2;
var LEAST_CORRELATION = .1;
var LEAST_EXTENT = 1;
/** A face cut out of a photo upright; what lies outside the photo is black. face: found in it, or
* its points. Throws RangeError for another size, margin or template, and Error for points that are
* not placed as a face's. */
function face_chip(image, face, options = {}) {
	const { size = 112, margin = null, template = "eyes" } = options;
	const chosen = TEMPLATES[template];
	if (!chosen) throw new RangeError(`template ${template} is not one of ${Object.keys(TEMPLATES).join(", ")}`);
	if (!(Number.isInteger(size) && size >= 1 && size <= MAX_SIZE)) throw new RangeError(`size: a whole number of pixels from 1 to ${MAX_SIZE}, not ${size}`);
	const around = margin ?? chosen.margin;
	if (!(around >= 0 && around <= MAX_MARGIN)) throw new RangeError(`margin: a number from 0 to ${MAX_MARGIN}, not ${margin}`);
	const { centre, side, angle } = chipSquare(chosen, "points" in face ? face.points : face, size, around);
	const chip = cutSquare(image, centre, side, size, angle);
	if (channelsOf(image) === 4) {
		const { data } = chip.pixels;
		for (let i = 3; i < data.length; i += 4) data[i] = 255;
	}
	return chip;
}
/** The square that is cut: its centre and side, photo pixels, and by how many degrees the photo is
* turned counter-clockwise. */
function chipSquare(template, points, size, margin) {
	const inChip = (share) => size * (share + margin) / (1 + 2 * margin) - .5;
	const places = template.places.map(([x, y]) => [inChip(x), inChip(y)]);
	const seen = template.pointsOf(points);
	const [low, high] = bounds(seen);
	if (Math.max(high[0] - low[0], high[1] - low[1]) < LEAST_EXTENT) throw new Error("the points that the template aligns lie within a pixel");
	const factor = template.errorInPhoto ? quotient([1, 0], similarityOf(places, seen)) : similarityOf(seen, places);
	const [middle, mean] = [(size - 1) / 2, meanOf(places)];
	const away = quotient([middle - mean[0], middle - mean[1]], factor);
	const [x, y] = meanOf(seen);
	return {
		centre: [x + away[0], y + away[1]],
		side: size / Math.hypot(...factor),
		angle: -Math.atan2(factor[1], factor[0]) * 180 / Math.PI
	};
}
/** The scale and rotation, as a complex number, that with a shift takes points nearest to targets
* (Umeyama 1991, as a quotient of complex numbers). Throws where they hardly correlate. */
function similarityOf(points, targets) {
	const [from, to] = [meanOf(points), meanOf(targets)];
	let [real, imaginary, spread, spreadTo] = [
		0,
		0,
		0,
		0
	];
	points.forEach(([px, py], i) => {
		const [x, y] = [px - from[0], py - from[1]];
		const [u, v] = [targets[i][0] - to[0], targets[i][1] - to[1]];
		real += x * u + y * v;
		imaginary += x * v - y * u;
		spread += x * x + y * y;
		spreadTo += u * u + v * v;
	});
	if (Math.hypot(real, imaginary) <= LEAST_CORRELATION * Math.sqrt(spread * spreadTo)) throw new Error("the points are not placed as those of a face");
	return [real / spread, imaginary / spread];
}
/** Of complex numbers. */
function quotient([a, b], [c, d]) {
	const square = c * c + d * d;
	return [(a * c + b * d) / square, (b * c - a * d) / square];
}
// page/drawing.ts
var POINT = "#5af05a";
var HIDDEN = "#faa046";
var LINE = "#3cbec8";
var BOX = "#28a0eb";
var READABLE = 9;
var SEEN = .5;
/** A picture, its faces and their marks, over a whole canvas. Returns how many faces are too small
* for the numbers of their points. */
function drawPicture(canvas, shown, choice, unit) {
	const pen = canvas.getContext("2d");
	pen.save();
	if (shown.mirrored) {
		pen.translate(canvas.width, 0);
		pen.scale(-1, 1);
	}
	pen.drawImage(shown.picture, 0, 0, canvas.width, canvas.height);
	const faces = shown.faces.map((face) => onCanvas(face, canvas.width / shown.width));
	for (const face of faces) drawFace(pen, face, choice, unit);
	pen.restore();
	const upright = shown.mirrored ? faces.map((face) => mirror(face, canvas.width)) : faces;
	if (faces.length > 1) upright.forEach((face, i) => drawName(pen, face, faceName(shown.faces[i], i), unit));
	return choice.numbers ? upright.filter((face) => !drawNumbers(pen, face, unit)).length : 0;
}
/** What a face is called: its id in a video, its place in a photo's list. */
function faceName(face, index) {
	return String(face.id ?? index + 1);
}
function onCanvas({ points, box, visible }, zoom) {
	return {
		points: points.map(([x, y]) => [(x + .5) * zoom, (y + .5) * zoom]),
		box: box.map((value) => value * zoom),
		visible
	};
}
function mirror({ points, box: [x, y, width, height], visible }, across) {
	return {
		points: points.map(([px, py]) => [across - px, py]),
		box: [
			across - x - width,
			y,
			width,
			height
		],
		visible
	};
}
function drawFace(pen, { points, box, visible }, choice, unit) {
	const width = box[2];
	pen.lineWidth = Math.max(unit, width / 140);
	pen.strokeStyle = BOX;
	pen.strokeRect(...box);
	pen.strokeStyle = LINE;
	for (const [first, end, closed] of choice.contours ? CONTOURS : []) {
		pen.beginPath();
		points.slice(first, end).forEach((place) => pen.lineTo(...place));
		if (closed) pen.closePath();
		pen.stroke();
	}
	if (!choice.points) return;
	pen.fillStyle = POINT;
	pen.strokeStyle = HIDDEN;
	const radius = Math.max(.7 * unit, width / 90);
	points.forEach(([x, y], i) => {
		const hidden = visible !== null && visible[i] < SEEN;
		pen.beginPath();
		pen.arc(x, y, hidden ? 2 * radius : radius, 0, 7);
		if (hidden) pen.stroke();
		else pen.fill();
	});
}
function drawName(pen, { box: [x, y, width] }, name, unit) {
	const size = Math.max(13 * unit, width / 8);
	write(pen, name, x, Math.max(y - size / 5, size), size);
}
/** Whether they are large enough to be read; else nothing is drawn. */
function drawNumbers(pen, { points, box }, unit) {
	const size = box[2] / 30;
	if (size < READABLE * unit) return false;
	points.forEach(([x, y], number) => write(pen, String(number), x + size / 5, y - size / 5, size));
	return true;
}
function write(pen, text, x, y, size) {
	pen.font = `${size}px system-ui, sans-serif`;
	pen.lineJoin = "round";
	pen.lineWidth = size / 5;
	pen.strokeStyle = "#000";
	pen.fillStyle = "#fff";
	pen.strokeText(text, x, y);
	pen.fillText(text, x, y);
}
// page/saving.ts
/** Files for the person to keep. */
function save(name, blob) {
	const link = document.createElement("a");
	link.href = URL.createObjectURL(blob);
	link.download = name;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 6e4);
}
function saveCanvas(canvas, name) {
	canvas.toBlob((blob) => blob && save(name, blob));
}
// page/stage.ts
var STAGE_HEIGHT = .75;
var CHIP_SIZE = 112;
var CHIPS_EVERY = 400;
var LISTED_EVERY = 200;
var shown = null;
var chipsAt = -Infinity;
var listedAt = -Infinity;
/** Shows a picture and its faces. moving: whether another one follows soon. */
function show(picture, moving) {
	shown = picture;
	el.stage.classList.add("filled");
	el.savePicture.disabled = el.saveJson.disabled = false;
	redraw();
	const now = performance.now();
	if (!moving || now - listedAt > LISTED_EVERY) {
		listFaces(picture.faces);
		listedAt = now;
	}
	if (!moving || now - chipsAt > CHIPS_EVERY) {
		showChips();
		chipsAt = now;
	}
}
function showMessage(text, wrong = false) {
	if (el.message.textContent !== text) el.message.textContent = text;
	el.message.classList.toggle("wrong", wrong);
}
/** How many faces, and if none, how small ones were searched for. */
function faceCount(record) {
	const { faces, min_face, several_pictures } = record;
	const where = several_pictures ? " in the first picture of the file" : "";
	if (faces.length === 0) return `No face${where}, looked down to ${min_face} px.`;
	return `${faces.length === 1 ? "1 face" : `${faces.length} faces`}${where}`;
}
function choice() {
	return {
		points: el.points.checked,
		contours: el.contours.checked,
		numbers: el.numbers.checked
	};
}
/** As large as it is on the screen, so that the marks on a small picture are sharp too. */
function redraw() {
	if (!shown) return;
	const { width, height } = shown.picture;
	const fit = Math.min(el.stage.clientWidth / width, innerHeight * STAGE_HEIGHT / height);
	const scale = Math.max(1, fit);
	const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
	if (el.view.width !== across || el.view.height !== down) [el.view.width, el.view.height] = [across, down];
	el.view.style.width = `${Math.round(width * fit)}px`;
	const leftOut = drawPicture(el.view, shown, choice(), scale / fit);
	el.leftOut.textContent = leftOut ? "Numbers are left out where a face is too small for them." : "";
}
/** As large as the picture, unlike the view. */
function savePicture() {
	if (!shown) return;
	const canvas = document.createElement("canvas");
	[canvas.width, canvas.height] = [shown.picture.width, shown.picture.height];
	drawPicture(canvas, shown, choice(), 1);
	saveCanvas(canvas, "fkd.png");
}
function saveJson(record) {
	save("fkd.json", new Blob([JSON.stringify(record, null, 1)], { type: "application/json" }));
}
function listFaces(faces) {
	el.found.hidden = faces.length === 0;
	el.faces.replaceChildren(...faces.map((face, i) => {
		const row = document.createElement("tr");
		const { confidence } = face;
		const mean = confidence && confidence.reduce((sum, one) => sum + one, 0) / confidence.length;
		for (const text of [
			faceName(face, i),
			percent(face.score),
			percent(mean),
			String(face.box[2])
		]) row.insertCell().textContent = text;
		return row;
	}));
}
function percent(probability) {
	return probability === null ? "not known" : `${(100 * probability).toFixed(0)} %`;
}
/** The faces cut out upright, each a button that saves it. */
function showChips() {
	const faces = el.chipsShown.checked && shown ? shown.faces : [];
	el.chips.hidden = faces.length === 0;
	while (el.chips.children.length > faces.length) el.chips.lastElementChild.remove();
	while (el.chips.children.length < faces.length) el.chips.append(chipButton());
	if (!shown || !faces.length) return;
	const pixels = pixelsOf(shown.picture);
	const zoom = shown.picture.width / shown.width;
	faces.forEach((face, i) => {
		const button = el.chips.children[i];
		const points = face.points.map(([x, y]) => [(x + .5) * zoom - .5, (y + .5) * zoom - .5]);
		const chip = face_chip(pixels, points, { size: CHIP_SIZE }).pixels;
		const bytes = new Uint8ClampedArray(chip.data);
		button.querySelector("canvas").getContext("2d").putImageData(new ImageData(bytes, CHIP_SIZE), 0, 0);
		button.setAttribute("aria-label", `Save the chip of face ${faceName(face, i)}`);
	});
}
function chipButton() {
	const button = document.createElement("button");
	const canvas = document.createElement("canvas");
	button.type = "button";
	canvas.width = canvas.height = CHIP_SIZE;
	button.append(canvas);
	button.onclick = () => saveCanvas(canvas, "fkd-chip.png");
	return button;
}
/** Names and values. The elements stay, as they change with every frame. */
function showFigures(figures) {
	const names = Object.keys(figures);
	const there = [...el.figures.querySelectorAll("dt")].map((name) => name.textContent);
	if (names.join() !== there.join()) el.figures.replaceChildren(...names.map((name) => {
		const box = document.createElement("div");
		box.append(Object.assign(document.createElement("dt"), { textContent: name }), document.createElement("dd"));
		return box;
	}));
	el.figures.querySelectorAll("dd").forEach((value, i) => value.textContent = figures[names[i]]);
}
function times(milliseconds) {
	return Object.fromEntries(Object.entries(milliseconds).map(([step, ms]) => [step, `${ms.toFixed(1)} ms`]));
}
// page/page.ts
var RATE_SPAN = 2e3;
var AFTER_REFUSAL = 1e3;
var SMALLEST_FACE = "the smallest face is a whole number of pixels from 1 to 100,000";
var engines = [];
var arrived;
var anEngine = new Promise((resolve) => arrived = resolve);
var photo = null;
var moving = null;
var frames = null;
var saved = null;
var turns = 0;
/** The engines of this page: a server says what it has, and a static folder has a file that does. */
async function start() {
	const here = await fetch("engines.json").then((answer) => answer.json()).catch(() => ({ server: true }));
	const device = here.device && hasSimd() ? new DeviceEngine() : null;
	if (device) offer(device);
	const server = here.server ? await ServerEngine.find().catch(() => null) : null;
	if (server) offer(server);
	if (!engines.length) return withoutEngine(here.server);
	if (!navigator.mediaDevices) showMessage(NO_CAMERA, true);
	if (device && server && !device.models.includes(server.models[0])) {
		el.engine.value = server.label;
		showEngine();
		askAgain();
	}
	if (!device || chosen() !== device) return;
	const loading = "Loading the networks…";
	if (!el.message.textContent) showMessage(loading);
	await device.open(device.models[0]);
	if (el.message.textContent === loading) showMessage("");
	await keepOffline();
}
function withoutEngine(serverIsAway) {
	for (const control of [
		el.camera,
		el.file,
		el.model
	]) control.disabled = true;
	showMessage(serverIsAway ? "The server does not respond." : "This browser has no WebAssembly SIMD, which the networks need; a newer browser has.", true);
}
/** One more engine to choose; the first is chosen. */
function offer(engine) {
	engines.push(engine);
	el.engine.add(new Option(engine.label));
	el.engineChoice.hidden = engines.length < 2;
	if (engine instanceof ServerEngine) el.serverLinks.hidden = false;
	if (engine === chosen()) showEngine();
	arrived();
}
/** The models of the chosen engine, and where pictures go. */
function showEngine() {
	const { models, promise } = chosen();
	const before = el.model.value;
	el.model.replaceChildren(...models.map((model) => new Option(model)));
	if (models.includes(before)) el.model.value = before;
	el.promise.textContent = promise;
	showLicence();
}
function chosen() {
	return engines[el.engine.selectedIndex];
}
/** Raises an Error where that is not what can be asked for. */
function wanted() {
	if (!el.minFace.validity.valid) throw new Error(SMALLEST_FACE);
	return {
		model: el.model.value,
		min_face: el.minFace.value === "" ? null : Number(el.minFace.value),
		smooth: el.smooth.checked
	};
}
async function showLicence() {
	const model = el.model.value;
	const notice = await chosen()?.notice(model).catch(() => null);
	if (model === el.model.value) el.licence.textContent = notice ? `Weights of ${model}: ${notice}.` : "";
}
async function analysePhoto(file) {
	stop();
	const own = ++turns;
	photo = file;
	let pixels;
	try {
		pixels = await readImage(file);
	} catch {
		return showMessage(`${file.name} is not a picture that this browser can show.`, true);
	}
	const picture = document.createElement("canvas");
	[picture.width, picture.height] = [pixels.width, pixels.height];
	picture.getContext("2d", { willReadFrequently: true }).putImageData(pixels, 0, 0);
	showMessage("Analysing…");
	try {
		await anEngine;
		const record = await chosen().photo(file, file.name, pixels, wanted());
		if (own !== turns) return;
		saved = record;
		show({
			picture,
			width: record.width,
			faces: record.faces,
			mirrored: false
		}, false);
		showFigures(times(record.milliseconds));
		showMessage(faceCount(record));
		performance.mark("points");
	} catch (error) {
		if (own === turns) showMessage(`Error: ${error.message}.`, true);
	}
}
async function startMoving(open) {
	stop();
	const own = ++turns;
	photo = null;
	showMessage("Starting…");
	let opened;
	try {
		opened = await open();
	} catch (error) {
		if (own === turns) showMessage(error.message, true);
		return;
	}
	if (own !== turns) return opened.stop();
	moving = opened;
	el.pause.disabled = false;
	showPressed();
	opened.video.onended = () => showMessage("The video has ended.");
	await follow();
}
/** Follows the faces of what moves until something else is started. */
async function follow() {
	if (!moving) return;
	frames?.end();
	const own = ++turns;
	const current = frames = new Frames(moving);
	const camera = moving.kind === "camera";
	let following = null;
	try {
		await anEngine;
		following = await chosen().follow(wanted());
		const answered = [];
		for (let frame = await current.next(); frame && own === turns; frame = await current.next()) {
			const answer = await following.next(frame.canvas, frame.seconds);
			if (own !== turns) break;
			if ("error" in answer) {
				showMessage(`Error: ${answer.error}.`, true);
				await new Promise((resolve) => setTimeout(resolve, AFTER_REFUSAL));
				continue;
			}
			saved = answer;
			const mirrored = camera && el.mirror.checked;
			show({
				picture: frame.canvas,
				width: answer.width,
				faces: answer.faces,
				mirrored
			}, true);
			showRate(answered, answer);
			if (answer.faces.length) performance.mark("points");
		}
	} catch (error) {
		if (own !== turns) return;
		stop();
		showMessage(`Error: ${error.message}.`, true);
	} finally {
		following?.stop();
	}
}
function showRate(answered, record) {
	const now = performance.now();
	answered.push(now);
	while (now - answered[0] > RATE_SPAN) answered.shift();
	const span = (now - answered[0]) / 1e3;
	showFigures({
		"frames per second": (span > 0 ? (answered.length - 1) / span : 0).toFixed(1),
		...times(record.milliseconds)
	});
	if (!moving?.video.ended) showMessage(faceCount(record));
}
function stop() {
	turns += 1;
	frames?.end();
	moving?.stop();
	moving = frames = null;
	el.pause.disabled = true;
	showPressed();
}
function showPressed() {
	const camera = moving?.kind === "camera";
	const paused = moving !== null && moving.video.paused;
	el.camera.textContent = camera ? "Stop camera" : "Start camera";
	el.camera.setAttribute("aria-pressed", String(camera));
	el.pause.textContent = paused ? "Go on" : "Pause";
	el.pause.setAttribute("aria-pressed", String(paused));
}
function pause() {
	if (!moving) return;
	const { video } = moving;
	if (video.paused) video.play().then(showPressed);
	else video.pause();
	showPressed();
}
function open(file) {
	if (el.file.disabled) return;
	if (file.type.startsWith("video/")) startMoving(() => openVideo(el.video, file));
	else analysePhoto(file);
}
function askAgain() {
	if (!el.minFace.validity.valid) return showMessage(`Error: ${SMALLEST_FACE}.`, true);
	if (moving) follow();
	else if (photo) analysePhoto(photo);
}
el.camera.onclick = () => moving?.kind === "camera" ? (stop(), showMessage("")) : void startMoving(() => openCamera(el.video));
el.pause.onclick = pause;
el.file.onchange = () => el.file.files?.[0] && open(el.file.files[0]);
el.savePicture.onclick = savePicture;
el.saveJson.onclick = () => saveJson(saved);
for (const box of [
	el.points,
	el.contours,
	el.numbers
]) box.onchange = redraw;
el.chipsShown.onchange = showChips;
window.onresize = redraw;
for (const control of [
	el.model,
	el.minFace,
	el.smooth
]) control.addEventListener("change", askAgain);
el.model.addEventListener("change", () => void showLicence());
el.engine.onchange = () => (showEngine(), askAgain());
for (const kind of [
	"dragover",
	"dragleave",
	"drop"
]) document.addEventListener(kind, (event) => {
	event.preventDefault();
	el.stage.classList.toggle("over", kind === "dragover");
	if (kind === "drop" && event.dataTransfer?.files[0]) open(event.dataTransfer.files[0]);
});
start().catch((error) => showMessage(`Error: ${error.message}.`, true));
