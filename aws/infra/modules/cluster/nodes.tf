locals {
  groups = {
    serving = {
      capacity_type  = "ON_DEMAND"
      instance_types = var.serving_nodes.instance_types
      scaling        = { min = var.serving_nodes.min, desired = var.serving_nodes.desired, max = var.serving_nodes.max }
      taints         = []
    }
    jobs = {
      capacity_type  = "SPOT"
      instance_types = var.job_nodes.instance_types
      scaling        = { min = 0, desired = 0, max = var.job_nodes.max }
      # Only pods that can bear an interruption say that they tolerate this.
      taints = ["spot"]
    }
  }
}

resource "aws_launch_template" "nodes" {
  for_each = local.groups

  name        = "${var.name}-${each.key}"
  description = "Nodes for ${each.key}"

  # A hop limit of 1 keeps pods from the node's own credentials: they have roles of their own.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  # AWS's own key: nodes keep nothing that outlives them, and a key of ours would have to be granted to Auto Scaling.
  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = 30
      encrypted             = true
      delete_on_termination = true
    }
  }

  # Default tags of the provider do not reach what Auto Scaling makes.
  dynamic "tag_specifications" {
    for_each = toset(["instance", "network-interface", "volume"])

    content {
      resource_type = tag_specifications.key
      tags          = merge(var.tags, { Name = "${var.name}-${each.key}" })
    }
  }
}

resource "aws_eks_node_group" "this" {
  for_each = local.groups

  cluster_name    = aws_eks_cluster.this.name
  node_group_name = "${var.name}-${each.key}"
  node_role_arn   = aws_iam_role.node.arn
  subnet_ids      = var.private_subnet_ids
  ami_type        = "AL2023_x86_64_STANDARD"
  capacity_type   = each.value.capacity_type
  instance_types  = each.value.instance_types
  labels          = { "retail-forecast/nodes" = each.key }

  launch_template {
    id      = aws_launch_template.nodes[each.key].id
    version = aws_launch_template.nodes[each.key].latest_version
  }

  scaling_config {
    min_size     = each.value.scaling.min
    desired_size = each.value.scaling.desired
    max_size     = each.value.scaling.max
  }

  update_config {
    max_unavailable = 1
  }

  dynamic "taint" {
    for_each = each.value.taints

    content {
      key    = "retail-forecast/${taint.value}"
      value  = "true"
      effect = "NO_SCHEDULE"
    }
  }

  lifecycle {
    # The autoscaler and the office hours move the number of nodes.
    ignore_changes = [scaling_config[0].desired_size, scaling_config[0].min_size]
  }

  depends_on = [aws_eks_addon.network, aws_iam_role_policy_attachment.node]
}
