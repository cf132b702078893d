"""Step 2. The encoder's codes of all photos (codes.pt), and the mapping network fitted to them by energy distance."""
import math, os, sys, time, torch
from pathlib import Path
from mia_demo.data.identities import open_identity_set
from mia_demo.data.splits import public_split
from mia_demo.metrics.prior_quality import prior_frechet
from mia_demo.models.encoder import Encoder
from mia_demo.system.device import choose_compute
from mia_demo.training.prior_losses import energy_distance
from mia_demo.zoo.opening import open_zoo
work, minutes = Path(os.environ["WORK"]), float(sys.argv[1])
compute = choose_compute("cpu"); zoo = open_zoo(); g = zoo.load_prior().float(); base = torch.load(work / "base.pt", weights_only=True); g.load_state_dict(base["new"])
encoder = Encoder(resolution=128, w_dim=g.w_dim, channel_base=1024, channel_max=192); encoder.load_state_dict(base["encoder"]); compute.place(encoder)
public = open_identity_set(sorted(Path(os.environ["DATA"]).glob("public_*.zip"))); used, held = public_split(public)
images, _ = public.tensors(128, labels=used)
with torch.no_grad(), compute.autocast(): codes = torch.cat([encoder(b.float() / 127.5 - 1).float() for b in images.split(50)])
torch.save(codes, work / "codes.pt"); del images
perm = torch.randperm(len(codes), generator=torch.Generator().manual_seed(0)); train, rest = codes[perm[:12000]], codes[perm[12000:]]
def measure():
    with torch.no_grad(): m = g.mapping(torch.randn(2400, g.z_dim, generator=torch.Generator().manual_seed(1)))[:, 0]; return energy_distance(m, rest).item(), energy_distance(train[:2400], rest).item(), m.std(0).mean().item()
print("before", measure(), flush=True)
m = g.mapping.requires_grad_(True); opt = torch.optim.Adam(m.parameters(), 3.0, betas=(0.9, 0.99)); began = time.time(); step = 0; said = began
while (t := (time.time() - began) / 60 / minutes) < 1:
    for gr in opt.param_groups: gr["lr"] = 3.0 * min(1, (step + 1) / 50) * (0.5 * (1 + math.cos(math.pi * t)) + 0.003)
    rng = torch.Generator().manual_seed(step + 1000)
    w = m(torch.randn(1536, g.z_dim, generator=rng))[:, 0]
    d = energy_distance(w, train[torch.randint(len(train), (1536,), generator=rng)])
    opt.zero_grad(); d.backward(); opt.step(); step += 1
    if time.time() - said > 60: said = time.time(); print(step, d.item(), measure(), flush=True)
with torch.no_grad(): m.w_avg.copy_(m(torch.randn(20000, g.z_dim, generator=torch.Generator().manual_seed(3)))[:, 0].mean(0))
print("after", step, measure()); torch.save({"new": g.state_dict(), "encoder": base["encoder"]}, work / "base.pt")
him, _ = public.tensors(64, labels=held); compute.place(g); print("Frechet at 64 px", prior_frechet(g, zoo.load_embedder(), him, compute, seed=0))
