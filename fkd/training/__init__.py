"""Everything that imports torch: networks, losses, augmentation, loop, checkpoint, export."""
