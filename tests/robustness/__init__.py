"""What users rely on when processes die, disks fill up, networks break and clients misbehave. Real servers throughout."""
