"""Trees that live for a short and for a long time: objects, recursion, much allocation."""


class Node:
    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left = left
        self.right = right


def bottom_up(depth):
    if depth == 0:
        return Node(None, None)
    return Node(bottom_up(depth - 1), bottom_up(depth - 1))


def top_down(depth, node):
    if depth > 0:
        node.left = Node(None, None)
        node.right = Node(None, None)
        top_down(depth - 1, node.left)
        top_down(depth - 1, node.right)


def nodes(node):
    if node is None:
        return 0
    return 1 + nodes(node.left) + nodes(node.right)


def gcbench(depth):
    kept = bottom_up(depth)
    found = 0
    d = 2
    while d <= depth:
        for _ in range(2 ** (depth + 1) // 2 ** (d + 2)):
            root = Node(None, None)
            top_down(d, root)
            found += nodes(root)
        d += 2
    return found + nodes(kept)
