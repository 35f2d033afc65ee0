# The workspace (runs, bundles, champions) that jobs write and servers read: a file system that many nodes mount at once.
resource "aws_efs_file_system" "this" {
  creation_token   = var.name
  encrypted        = true
  kms_key_id       = var.data_key_arn
  performance_mode = "generalPurpose"
  throughput_mode  = "elastic"
  tags             = { Name = var.name, Protected = tostring(var.protect_data) }

  lifecycle_policy {
    transition_to_ia = "AFTER_30_DAYS"
  }

  lifecycle_policy {
    transition_to_primary_storage_class = "AFTER_1_ACCESS"
  }
}

resource "aws_efs_backup_policy" "this" {
  count = var.protect_data ? 1 : 0

  file_system_id = aws_efs_file_system.this.id

  backup_policy {
    status = "ENABLED"
  }
}

# Through the mount targets of the private subnets, and encrypted on the way; by nothing else.
data "aws_iam_policy_document" "mount" {
  statement {
    sid       = "MountFromHere"
    actions   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
    resources = [aws_efs_file_system.this.arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "elasticfilesystem:AccessedViaMountTarget"
      values   = ["true"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }
}

resource "aws_efs_file_system_policy" "this" {
  file_system_id = aws_efs_file_system.this.id
  policy         = data.aws_iam_policy_document.mount.json
}

resource "aws_efs_mount_target" "this" {
  count = length(var.private_subnet_ids)

  file_system_id  = aws_efs_file_system.this.id
  subnet_id       = var.private_subnet_ids[count.index]
  security_groups = [aws_security_group.this.id]
}

resource "aws_security_group" "this" {
  name        = "${var.name}-workspace"
  description = "The workspace file system: NFS from the private subnets"
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-workspace" }
}

# Nodes stand in the private subnets; the jobs that stand there too may not reach this port, by their own group's rules.
resource "aws_vpc_security_group_ingress_rule" "nodes" {
  count = length(var.private_subnet_cidrs)

  security_group_id = aws_security_group.this.id
  description       = "NFS from the nodes"
  ip_protocol       = "tcp"
  from_port         = 2049
  to_port           = 2049
  cidr_ipv4         = var.private_subnet_cidrs[count.index]
}
