"""Step 1b. Styles of unit deviation and mean zero in every dimension; no picture changes."""
import os, torch
from pathlib import Path
from mia_demo.data.identities import open_identity_set
from mia_demo.data.splits import public_split
from mia_demo.models.encoder import Encoder
from mia_demo.system.device import choose_compute
from mia_demo.zoo.opening import open_zoo
work = Path(os.environ["WORK"]); compute = choose_compute("cpu"); g = open_zoo().load_prior().float(); base = torch.load(work / "base.pt", weights_only=True); g.load_state_dict(base["new"])
encoder = Encoder(resolution=128, w_dim=g.w_dim, channel_base=1024, channel_max=192); encoder.load_state_dict(base["encoder"]); encoder.float(); g.float()
public = open_identity_set(sorted(Path(os.environ["DATA"]).glob("public_*.zip"))); used, held = public_split(public)
images, _ = public.tensors(128, labels=used[::6])
with torch.no_grad(): codes = torch.cat([encoder(b.float() / 127.5 - 1).float() for b in images.split(50)])
mu, sd = codes.mean(0), codes.std(0); print("codes mean", mu.abs().mean().item(), "sd min/median/max", sd.min().item(), sd.median().item(), sd.max().item())
sd = sd.clamp(min=0.05 * sd.median()); w = codes[:8]
with torch.no_grad():
    before = g.synthesize(w, noise_mode="none")
    for name, m in g.synthesis.named_modules():
        if name.endswith("affine"):
            m.bias += (m.weight * m.weight_gain) @ mu / m.bias_gain; m.weight *= sd
    after = g.synthesize((w - mu) / sd, noise_mode="none")
    encoder.out.bias -= mu / encoder.out.bias_gain; encoder.out.bias /= sd; encoder.out.weight /= sd[:, None]
    last = getattr(g.mapping, f"fc{g.mapping.num_layers - 1}"); last.weight /= sd[:, None]; last.bias /= sd; g.mapping.w_avg.sub_(mu).div_(sd)
    again = (encoder(images[:8].float() / 127.5 - 1) - (w - mu) / sd).abs().max().item()
print("pictures differ by", (before - after).abs().max().item(), "codes by", again)
sv = torch.linalg.svdvals((codes - mu) / sd) / len(codes) ** 0.5; print("principal deviations", [round(v, 2) for v in sv[[0, 1, 3, 7, 15, 31, 63, 127]].tolist()])
torch.save({"new": g.state_dict(), "encoder": encoder.state_dict()}, work / "base.pt")
