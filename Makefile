# Two commands on a fresh machine: `make repro` and `make test`. `make help` lists all.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help install pins docs repro test test-slow test-cluster web test-web bench-web team team-up team-down test-team load fuzz bench bench-points bench-detectors check ui report sweep dist test-image as-committed base nano research detector finetune real cnn5

help:  ## List the targets
	@grep -E '^[a-z0-9-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 17

install: $(VENV)/installed  ## Make .venv from the exact pins and install the project in it

# Which build of torch fits, and with it the CUDA libraries that it pins, depends on the machine.
$(VENV)/installed: requirements.txt constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

pins: install  ## Write requirements.txt, the hashes of the releases in constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check uv==0.13.9
	uv pip compile --quiet --python-version 3.11 --no-deps --no-emit-package torch \
	  --generate-hashes --no-annotate --custom-compile-command 'make pins' \
	  --output-file requirements.txt constraints.txt

repro: install  ## Render faces, train, evaluate, export, then find the face in the example photo
	dvc repro
	fkd infer docs/astronaut.png --model models/model.onnx

# Two processes, each of which computes with one thread: more threads than cores wait by spinning.
# A file's tests run in one process, which makes what they share.
PYTEST := OMP_NUM_THREADS=1 python -m pytest -n 2 --dist loadfile

test: install  ## Run the test suite
	$(PYTEST)

test-slow: install  ## Run the tests that `make test` leaves out
	python -m pytest -m slow

# A team's stores and servers on this machine; docs/team.md. PostgreSQL's own cluster stays unused.
team: install
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r deploy/requirements.txt
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || \
	  (apt-get update -qq && apt-get install -qq -y postgresql)

team-up: team  ## Start PostgreSQL, an S3 store, an MLflow server and fkd serve: docs/team.md
	python -m deploy.team up

team-down:  ## Stop them; what they keep stays in team/
	python -m deploy.team down

test-team: team  ## Test what a team does with these servers, on a tiny pipeline
	python -m pytest -m slow tests/team

# SeaweedFS is a store that speaks as S3 does. With more photos: FKD_TEST_PHOTOS=2000 make test-cluster.
test-cluster: install  ## Test several nodes on Ray: kills, stores, network namespaces
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r deploy/requirements.txt
	command -v ip >/dev/null || (apt-get update -qq && apt-get install -qq -y iproute2)
	OMP_NUM_THREADS=1 python -m pytest -m 'slow or not slow' --durations=0 --durations-min=5 \
	  tests/test_ray.py tests/test_table_cluster.py tests/test_faces_cluster.py

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

web: web/node_modules/.package-lock.json  ## Build the page, what computes in the browser, and both as a static folder, web/site
	cd web && npm run --silent types && npm run --silent page && npm run --silent device && npm run --silent site && npm run --silent size

# More photos: make test-web PHOTOS=FOLDER
test-web: install web/node_modules/.package-lock.json  ## Test the TypeScript library and the page in Debian's Chromium against Python
	cd web && npm run --silent same
	$(MAKE) web
	command -v $${CHROMIUM:-chromium} >/dev/null || (apt-get update -qq && apt-get install -qq -y chromium)
	OMP_NUM_THREADS=1 python -m tools.web_answers web/build/answers $(PHOTOS)
	cd web && npm test && npm run --silent test:browser && npm run --silent package

# MEDIAPIPE=FILE.task is measured beside it; no registry has that file.
bench-web: test-web  ## Speed, bytes and memory of the page in Chromium: eight minutes, and both cores for itself
	cd web && npm install --no-save --no-audit --no-fund --loglevel=error @mediapipe/tasks-vision@1.1.0 && MEASURE=1 MEDIAPIPE='$(MEDIAPIPE)' npx vitest run browser/measure --disable-console-intercept

load: install  ## Sixteen clients for a minute against the server; its memory must stay flat
	python tests/load.py

# FINDING=FILE runs one input again that was found.
MINUTES ?= 5
fuzz: install  ## Fuzz all that reads files or the network: make fuzz MINUTES=5
	$(BIN)/pip install --quiet --disable-pip-version-check atheris==3.0.0
	PYTHONPATH=tests python -m fuzz $(or $(FINDING),$(MINUTES))

# The peers and what they need do not fit beside this project's own pins.
PEERS := .venv-peers/bin/python
.venv-peers/installed: bench/requirements.txt
	test -x $(PEERS) || $(PYTHON) -m venv .venv-peers
	$(PEERS) -m pip install --quiet --disable-pip-version-check -r bench/requirements.txt
	@touch $@

bench: bench-points bench-detectors  ## The two comparisons with other programs

bench-points: install .venv-peers/installed  ## The packaged models beside dlib and MediaPipe, on data/real
	python -m bench --peers $(PEERS)

# Each folder in PICTURES is a set: photos with .pts files beside them or with a boxes.csv. The
# pictures of TURNED, one of the sets, are turned too. YUNET is the file of a network that no
# registry has.
PICTURES ?= data/pictures
bench-detectors: install .venv-peers/installed  ## Face detectors: make bench-detectors PICTURES=FOLDER TURNED=SET YUNET=FILE
	python -m bench.detectors --peers $(PEERS) --pictures '$(PICTURES)' --turned '$(TURNED)' --yunet '$(YUNET)'

check: install  ## Lint, types and tests
	ruff check .
	ruff format --check .
	mypy
	$(PYTEST)
	python -m pytest -m slow

docs: install  ## Build the documentation into site/; a broken link stops it
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -r docs/requirements.txt
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict

ui: install  ## Compare runs in the MLflow UI at http://127.0.0.1:5000
	@echo 'open http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning'
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false MLFLOW_DISABLE_TELEMETRY=true \
	  mlflow ui --workers 1 --backend-store-uri sqlite:///mlflow.db --default-artifact-root mlartifacts

BASE ?= main
report: install  ## What has changed since BASE: metrics, parameters, pictures, as report/report.html
	python -m pipelines.report $(BASE)

sweep: install  ## Search the parameters of sweep.yaml with Optuna; several at once share the work
	python -m pipelines.sweep

# Each PYTHON that is there, as `make dist PYTHONS=3.11` for one alone.
PYTHONS ?= 3.11 3.12 3.13 3.14
dist: install  ## Build wheel and sdist, check them, and try both alone on each PYTHONS
	$(BIN)/pip install --quiet --disable-pip-version-check build==1.6.1 twine==7.0.0
	tests/dist.sh $(PYTHONS)

test-image: ## Build the image in a chroot, as root on Debian, and run its health check
	tests/image.sh

# `dvc exp run` leaves its parameters in the workspace, and the next one would start from them.
CHOICES := params.yaml data/synthetic/recipe.yaml
as-committed:
	@git diff --quiet HEAD -- $(CHOICES) || \
	  { echo 'parameters of another run are in the way: git checkout HEAD -- $(CHOICES)'; exit 1; }

# What the long trainings share. CUDA is used where there is one; give it WORKERS=12, say.
WORKERS ?= 0
LONG := -S train.num_workers=$(WORKERS) -S train.batch_size=128 -S train.lr=0.003 \
  -S train.weight_decay=0.02 -S train.ema_decay=0.998 -S train.precision=bf16 \
  -S data.test_root=data/real
RESEARCH := -S "data.licence='research use only, as the photos it was trained on'"
MIXED := -S data.root=data/real -S data.add_synthetic=true $(RESEARCH) \
  -S data/synthetic/recipe.yaml:count=12000 -S train.crop.size=160
SYNTHETIC := -S data/synthetic/recipe.yaml:count=40000 -S ++train.oversampling.synthetic=2

# Photos without labels under a free licence, where there are any: docs/training.md says which.
FREE := $(or $(wildcard data/free),data/synthetic)
# From what a network learned of 40,000 faces from the front: profiles, what is visible, portraits.
FURTHER := -S data.test_root=data/real -S data.unlabelled=$(FREE) \
  -S "data.unlabelled_licence='CC0 or public domain'" \
  -S data/synthetic/recipe.yaml:count=25000 -S train.batch_size=64 -S train.lr=0.0007 \
  -S train.weight_decay=0.01 -S train.ema_decay=0.998 -S train.precision=bf16 \
  -S train.epochs=4 -S ++train.oversampling.free=40
# Twice, because a network that has learned from portraits tells their points better.
base: install as-committed models/portraits.onnx  ## Train the packaged model again: synthetic faces, then also data/free, scored on data/real
	dvc exp run --force -n base $(FURTHER) -S train.lr=0.0005 -S train.epochs=3 \
	  -S train.init=models/portraits.onnx -S prepare_unlabelled.teacher=models/portraits.onnx

models/portraits.onnx: models/pretrained.onnx | install as-committed
	dvc exp run --force -n portraits $(FURTHER) -S train.init=models/pretrained.onnx \
	  -S prepare_unlabelled.teacher=models/pretrained.onnx
	cp models/model.onnx $@
	git checkout HEAD -- $(CHOICES)

models/pretrained.onnx: | install as-committed
	dvc exp run -n pretrained $(LONG) $(SYNTHETIC) -S train.epochs=28
	cp models/model.onnx $@
	git checkout HEAD -- $(CHOICES)

# Forced, because a name is all that DVC knows of the teacher.
nano: install as-committed models/pretrained-nano.onnx  ## Train the small packaged model again: the same faces, distilled from base
	dvc exp run --force -n nano $(FURTHER) -S train.network=nano -S train.crop.size=96 \
	  -S train.init=models/pretrained-nano.onnx -S train.teacher=base \
	  -S train.lr=0.001 -S train.epochs=6

models/pretrained-nano.onnx: | install as-committed
	dvc exp run --force -n pretrained-nano $(LONG) $(SYNTHETIC) -S train.epochs=29 \
	  -S train.network=nano -S train.crop.size=96 -S train.teacher=base
	cp models/model.onnx $@
	git checkout HEAD -- $(CHOICES)

# Its photos tell nothing of what is visible, depth and pose: the view's head learns after the rest.
research: install as-committed models/research-points.onnx  ## Train the research model again: 12,000 synthetic faces and data/real
	dvc exp run --force -n research $(MIXED) -S data/synthetic/recipe.yaml:count=6000 \
	  -S data.test_root=data/real -S train.init=models/research-points.onnx -S train.trainable=view \
	  -S train.lr=0.003 -S train.epochs=8 -S ++train.oversampling.300w=1 \
	  -S ++train.oversampling.youtube-faces=1

models/research-points.onnx: models/wide.onnx | install as-committed
	dvc exp run --force -n research-points $(LONG) $(MIXED) -S train.epochs=82 \
	  -S train.teacher=models/wide.onnx
	cp models/model.onnx $@
	git checkout HEAD -- $(CHOICES)

models/wide.onnx: | install as-committed
	dvc exp run -n wide $(LONG) $(MIXED) -S train.lr=0.002 -S train.epochs=60 -S train.network=wide
	cp models/model.onnx $@
	git checkout HEAD -- $(CHOICES)

SCENES := -S prepare_scenes.heads.val=200 -S prepare_scenes.heads.test=300 \
  -S prepare_scenes.head_size=256 -S prepare_scenes.backgrounds=data/backgrounds \
  -S train_detector.scenes_per_epoch=4000 -S train_detector.ema_decay=0.998 \
  -S train_detector.val_scenes=200 -S evaluate_detector.scenes=1000 \
  -S evaluate_detector.photos=$(or $(PHOTOS),data/synthetic)
# The margin shows what people wear, which is no face.
PORTRAITS := -S data.unlabelled=$(FREE) -S "data.unlabelled_licence='CC0 or public domain'" \
  -S prepare.margin=3
detector: install as-committed models/pretrained-detector.onnx  ## Train the packaged face detector again: make detector PHOTOS=FOLDER scores it there
	dvc exp run --force -n detector $(SCENES) $(PORTRAITS) -S prepare_scenes.heads.train=4000 \
	  -S train_detector.init=models/pretrained-detector.onnx -S train_detector.lr=0.007 \
	  -S train_detector.epochs=106 export_detector

models/pretrained-detector.onnx: data/backgrounds | install as-committed
	dvc exp run -n pretrained-detector $(SCENES) -S prepare_scenes.heads.train=3000 \
	  -S train_detector.epochs=45 export_detector
	cp models/detector.onnx $@
	git checkout HEAD -- $(CHOICES)

data/backgrounds: | install
	python -m tools.backgrounds $@

# FROM=research needs its crop as well: -S train.crop.size=160.
FROM ?= base
finetune: install as-committed  ## Go on from a packaged model with your photos: make finetune DATA=data/mine
	@test -d '$(DATA)' || { echo 'name the folder of your photos: make finetune DATA=data/mine'; exit 1; }
	dvc exp run -n finetuned -S data.root=$(DATA) -S data.test_root=$(DATA) -S train.init=$(FROM) \
	  -S train.lr=0.0005 -S train.ema_decay=0.99 -S train.epochs=30 \
	  -S train.min_faces_per_epoch=1000

real: install as-committed  ## Train on the photos linked at data/real, people held out
	dvc exp run -n real -S data.root=data/real -S data.test_root=data/real $(RESEARCH) \
	  -S train.epochs=15 -S train.precision=bf16 -S train.ema_decay=0.998

# 8/224: a 224x224 crop placed at random in 240x240.
cnn5: install as-committed  ## Train the recipe this project started from, on the same synthetic faces
	dvc exp run -n cnn5 -S train.network=cnn5 -S train.crop.size=224 -S train.loss=mse \
	  -S train.heatmap_weight=0 -S train.optimizer=adam -S train.lr=0.001 -S train.weight_decay=0 \
	  -S train.schedule=constant -S train.warmup=0 -S train.batch_size=10 -S train.epochs=5 \
	  -S train.augment.shift=0.0357 -S train.augment.scale=0 -S train.augment.rotate_std=0 \
	  -S train.augment.flip_prob=0 -S train.augment.contrast_prob=0 -S train.augment.gamma_prob=0 \
	  -S train.augment.blur_prob=0 -S train.augment.downscale_prob=0 \
	  -S train.augment.noise_prob=0 -S train.augment.random_erasing_prob=0 \
	  -S data.test_root=data/real
